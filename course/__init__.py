"""Homework of the book's ideas: students' versions, hand-outs, marks. `python -m course` lists
the commands."""
