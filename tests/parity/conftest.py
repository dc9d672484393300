"""The tests here need Keras, PyTorch and optax:

only `make parity`, which names the file, collects them.
"""

collect_ignore = ["test_frameworks.py", "programs"]
