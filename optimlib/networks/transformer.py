"""A tiny Transformer for text."""

from typing import NamedTuple

import numpy as np

from optimlib import checks
from optimlib.mlp import glorot_uniform
from optimlib.training import Model


class Block(NamedTuple):
    """The parameters of a block: of its attention, of a norm, of its dense layers, of a norm."""

    QKV: np.ndarray  # queries, keys and values of all heads, (width, 3 * width)
    O: np.ndarray
    gain_1: np.ndarray  # (width,), as all that follow but the two kernels and b_1
    shift_1: np.ndarray
    W_1: np.ndarray  # (width, 4 * width)
    b_1: np.ndarray  # (4 * width,)
    W_2: np.ndarray  # (4 * width, width)
    b_2: np.ndarray
    gain_2: np.ndarray
    shift_2: np.ndarray


class Layers(NamedTuple):
    """The parameters of a `Transformer`."""

    E: np.ndarray  # a row for each character, (characters, width)
    P: np.ndarray  # a row for each place, (length, width)
    blocks: list  # of Block
    V: np.ndarray  # the last dense layer, (width, characters)
    c: np.ndarray  # (characters,)


class Transformer(Model):
    """It predicts every next character of a text (Vaswani et al., 2017).

    Each block is attention, then a dense layer. As in the paper, each half of a block is
    x <- norm(x + f(x)), the norm standing last.

    Samples are whole numbers x (N, length), targets the one-hot next characters in one row,
    y (N, length * characters); losses and metrics are means over the positions. The parameters are
    the flat `w` (..., P); the `layers` are views of it, as `Layers`.

    Args:
        characters: The size of the alphabet.
        length: How many characters it reads.
        width: How many numbers it has for each.
        heads: How many heads the attention has; they divide the width.
        blocks: How many blocks there are.
        seed: A whole number, or an array of them for replicas.
        l2: The rate of an L2 penalty.

    Raises:
        ValueError: A size is below 1, or the heads do not divide the width.
    """

    integer_inputs = True

    def __init__(self, characters, length=16, width=24, heads=2, blocks=2, seed=0, l2=0.0):
        k = self.characters = checks.integer("characters", characters, 1)
        t = checks.integer("length", length, 1)
        d = checks.integer("width", width, 1)
        self.heads = checks.integer("heads", heads, 1)
        self.blocks = checks.integer("blocks", blocks, 1)
        if d % heads:
            raise ValueError(f"heads={heads} does not divide width={d}")
        block = Block(
            (d, 3 * d), (d, d), (d,), (d,), (d, 4 * d), (4 * d,), (4 * d, d), (d,), (d,), (d,)
        )
        self.shapes = [(k, d), (t, d), *blocks * block, (d, k), (k,)]
        self.inputs, self.outputs = (t,), t * k
        # added to the scores: nothing is heard from later characters
        self.mask = np.where(np.tri(t, dtype=bool), 0.0, -np.inf)
        super().__init__(seed, l2)

    def group(self, parts):
        """The parameters as `Layers`."""
        E, P, *inner, V, c = parts
        size = len(Block._fields)
        blocks = [Block(*inner[i : i + size]) for i in range(0, len(inner), size)]
        return Layers(E, P, blocks, V, c)

    def initialize(self, rng):
        """Fresh parameters: kernels by Glorot, gains one, biases and shifts zero.

        Characters and places are normal of variance 1 / width.
        """
        E, P, blocks, V, c = self.group(self.shapes)
        parts = [rng.normal(0, E[1] ** -0.5, shape) for shape in (E, P)]
        for block in blocks:
            for name, shape in block._asdict().items():
                if len(shape) == 2:
                    parts.append(glorot_uniform(rng, *shape))
                else:
                    parts.append(np.full(shape, 1.0 if name.startswith("gain") else 0.0))
        return [*parts, glorot_uniform(rng, *V), np.zeros(c)]

    def compile(self, optimizer="rmsprop", loss=None, metrics=None, **absent):
        """As in `Model`: the loss and the metrics are applied at every position and averaged."""
        super().compile(optimizer, loss, metrics, **absent)
        self.loss = AtEachPosition(self.loss, self.characters)
        self.metrics = {n: AtEachPosition(m, self.characters) for n, m in self.metrics.items()}

    def _inputs(self, x, name):
        x = super()._inputs(x, name)
        if x.dtype.kind not in "iu" or x.min() < 0 or x.max() >= self.characters:
            raise ValueError(
                f"{name} needs whole numbers from 0 to {self.characters - 1}: "
                f"it holds {x.min()} to {x.max()}, dtype {x.dtype}"
            )
        return x

    def forward(self, x):
        """What `backward` needs, and last the outputs z, for characters x (..., length, B).

        z is (..., length * characters, B). Inside, the B * length characters of a batch are the
        rows of one matrix (..., rows, width).
        """
        E, P, blocks, V, c = self.layers
        batch = x.shape[-1]
        rows = x.swapaxes(-1, -2).reshape(*x.shape[:-2], -1)
        one_hot = np.eye(self.characters)[rows]
        h = one_hot @ E
        h = (h.reshape(*h.shape[:-2], batch, *P.shape[-2:]) + P[..., None, :, :]).reshape(h.shape)
        caches = []
        for block in blocks:
            h, cache = self._block(h, block, batch)
            caches.append(cache)
        z = h @ V + c[..., None, :]
        return [one_hot, caches, h, np.moveaxis(z.reshape(*z.shape[:-2], batch, -1), -2, -1)]

    def backward(self, cache, delta):
        """Write dL/dw to the network's own vector, from what `forward` returned.

        Args:
            cache: What `forward` returned.
            delta: dL/dz (..., length * characters, B) of the outputs.
        """
        one_hot, caches, h, _ = cache
        gradient, batch = self.gradients, delta.shape[-1]
        delta = np.moveaxis(delta, -1, -2).reshape(*delta.shape[:-2], -1, self.characters)
        gradient.V[...] = h.mT @ delta
        gradient.c[...] = delta.sum(axis=-2)
        dh = delta @ self.layers.V.mT
        for block, gblock, saved in zip(
            reversed(self.layers.blocks), reversed(gradient.blocks), reversed(caches)
        ):
            dh = self._block_backward(dh, block, gblock, saved, batch)
        gradient.E[...] = one_hot.mT @ dh
        gradient.P[...] = dh.reshape(*dh.shape[:-2], batch, -1, dh.shape[-1]).sum(axis=-3)

    def _block(self, h, block, batch):
        heads, attention = self._attend(h @ block.QKV, batch)
        middle, norm_1 = _normalize(h + heads @ block.O, block.gain_1, block.shift_1)
        a = np.maximum(middle @ block.W_1 + block.b_1[..., None, :], 0)
        dense = middle + a @ block.W_2 + block.b_2[..., None, :]
        new, norm_2 = _normalize(dense, block.gain_2, block.shift_2)
        return new, (h, heads, attention, middle, norm_1, a, norm_2)

    def _block_backward(self, dh, block, gblock, cache, batch):
        h, heads, attention, middle, norm_1, a, norm_2 = cache
        dh = _normalize_backward(dh, norm_2, block.gain_2, gblock.gain_2, gblock.shift_2)
        gblock.W_2[...] = a.mT @ dh
        gblock.b_2[...] = dh.sum(axis=-2)
        da = dh @ block.W_2.mT * np.sign(a)
        gblock.W_1[...] = middle.mT @ da
        gblock.b_1[...] = da.sum(axis=-2)
        dh = dh + da @ block.W_1.mT
        dh = _normalize_backward(dh, norm_1, block.gain_1, gblock.gain_1, gblock.shift_1)
        gblock.O[...] = heads.mT @ dh
        dqkv = self._attend_backward(dh @ block.O.mT, attention, batch)
        gblock.QKV[...] = h.mT @ dqkv
        return dh + dqkv @ block.QKV.mT

    def _heads(self, rows, batch):
        """(..., batch * length, width) as (..., batch, heads, length, width of a head)."""
        *leading, _, width = rows.shape
        split = rows.reshape(*leading, batch, -1, self.heads, width // self.heads)
        return split.swapaxes(-2, -3)

    def _rows(self, heads):
        """Back again: (..., batch * length, width)."""
        heads = heads.swapaxes(-2, -3)
        *leading, batch, length, _, _ = heads.shape
        return heads.reshape(*leading, batch * length, -1)

    def _attend(self, qkv, batch):
        """Each character's mean of the values v of itself and those before it.

        The weights of the mean are the softmax of q . k / sqrt(width of a head).
        """
        q, k, v = (self._heads(part, batch) for part in np.split(qkv, 3, axis=-1))
        scores = q @ k.mT * q.shape[-1] ** -0.5 + self.mask
        share = np.exp(scores - scores.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        return self._rows(share @ v), (q, k, v, share)

    def _attend_backward(self, dheads, attention, batch):
        q, k, v, share = attention
        dheads = self._heads(dheads, batch)
        dshare = dheads @ v.mT
        centred = dshare - (dshare * share).sum(axis=-1, keepdims=True)
        dscores = share * centred * q.shape[-1] ** -0.5
        dqkv = dscores @ k, dscores.mT @ q, share.mT @ dheads
        return np.concatenate([self._rows(part) for part in dqkv], axis=-1)


class AtEachPosition:
    """A loss or a metric of single characters, as one of whole rows of them: a mean.

    Args:
        function: A loss or a metric, as in `losses`.
        characters: The size of the alphabet.
    """

    def __init__(self, function, characters):
        self.function, self.characters = function, characters

    def __call__(self, z, y):
        """What `function` gives for z and y (..., length * characters, B), averaged."""
        split = (-1, self.characters, z.shape[-1])
        result = self.function(*(a.reshape(*a.shape[:-2], *split) for a in (z, y)))
        if not isinstance(result, tuple):
            return result.mean(axis=-2)
        p, loss, delta = result
        positions = z.shape[-2] // self.characters
        return p.reshape(z.shape), loss.mean(axis=-2), (delta / positions).reshape(z.shape)


def windows(text, alphabet, length):
    """A text cut into samples for a `Transformer`.

    Args:
        text: The text.
        alphabet: All its characters, each once.
        length: How many characters a sample has.

    Returns:
        x (N, length), whole numbers; and y (N, length * characters), the next ones, one-hot.

    Raises:
        ValueError: The text is too short, or has a character that is not in the alphabet.
    """
    checks.integer("length", length, 1)
    if strangers := set(text) - set(alphabet):
        raise ValueError(
            f"text has the character {min(strangers)!r}, which is not in alphabet={alphabet!r}"
        )
    codes = np.array([alphabet.index(character) for character in text])
    count = (len(codes) - 1) // length
    if count < 1:
        raise ValueError(f"text has {len(text)} characters: expected at least {length + 1}")
    x, following = (codes[i : i + count * length].reshape(count, length) for i in (0, 1))
    return x, np.eye(len(alphabet))[following].reshape(count, -1)


def _normalize(x, gain, shift):
    """Every row to mean 0 and variance 1, times a gain, plus a shift (Ba, Kiros & Hinton, 2016)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + 1e-5)
    unit = centred * scale
    return unit * gain[..., None, :] + shift[..., None, :], (unit, scale)


def _normalize_backward(d, norm, gain, ggain, gshift):
    unit, scale = norm
    ggain[...] = (d * unit).sum(axis=-2)
    gshift[...] = d.sum(axis=-2)
    d = d * gain[..., None, :]
    spread = unit * (d * unit).mean(axis=-1, keepdims=True)
    return scale * (d - d.mean(axis=-1, keepdims=True) - spread)
