"""Two tiny networks of other kinds, for the chapter on choosing: a convolutional one for images, a Transformer for text."""

import numpy as np

from optimlib import checks
from optimlib.mlp import glorot_uniform, he_normal
from optimlib.training import Model


class CNN(Model):
    """One convolution of 3 x 3, ReLU, the mean over squares of 2 x 2, a dense layer (LeCun et al., 1989, on the smallest scale).

    side: images are (N, side * side), row by row; it must be even and at least 4. filters: how many patterns it looks for;
    outputs: classes; seed: whole number, or an array of them for replicas; l2: rate of an L2 penalty. The parameters are the flat
    `w` (..., P); `layers` are views of it: kernel K (..., 9, filters), b, dense W (..., cells * filters, outputs), c. Raises ValueError for
    sizes out of range.
    """

    def __init__(self, side=8, filters=8, outputs=10, seed=0, l2=0.0):
        if checks.integer("side", side, 4) % 2:
            raise ValueError(
                f"side={side} is odd: the mean over squares of 2 x 2 needs an even side"
            )
        self.filters, self.outputs = (
            checks.integer("filters", filters, 1),
            checks.integer("outputs", outputs, 1),
        )
        self.inputs, self.cells = (side * side,), (side // 2 - 1) ** 2
        row, column = np.divmod(
            np.arange(9), 3
        )  # the nine places of a patch, and its corner at each of the cells' four points
        place = np.arange(side // 2 - 1) * 2
        corner = [(place[:, None] + i) * side + place + j for i in (0, 1) for j in (0, 1)]
        self.patches = (row * side + column)[:, None] + np.ravel(
            corner
        )  # (9, 4 * cells): which pixels stand in which patch
        self.shapes = [(9, filters), (filters,), (self.cells * filters, outputs), (outputs,)]
        super().__init__(seed, l2)

    def initialize(self, rng):
        """Fresh parameters (P,): the kernel by He, the dense layer by Glorot, biases zero."""
        K, b, W, c = self.shapes
        return np.concatenate(
            [he_normal(rng, *K).ravel(), np.zeros(b), glorot_uniform(rng, *W).ravel(), np.zeros(c)]
        )

    def views(self, flat):
        """K, b, W, c as views of a flat vector (..., P)."""
        return _views(flat, self.shapes)

    def forward(self, x):
        """[patches, a, pooled, z] for images x (..., pixels, B): a (..., filters, 4, cells * B) after ReLU, outputs z (..., outputs, B)."""
        K, b, W, c = self.layers
        patches = x[..., self.patches, :].reshape(*x.shape[:-2], 9, -1)
        a = np.maximum(K.mT @ patches + b[..., None], 0)
        a = a.reshape(*a.shape[:-1], 4, -1)
        pooled = a.mean(axis=-2).reshape(*a.shape[:-3], -1, x.shape[-1])
        return [patches, a, pooled, W.mT @ pooled + c[..., None]]

    def backward(self, cache, delta):
        """The gradient, written to the network's own vector, from `forward` and delta = dL/dz (..., outputs, B) of the outputs."""
        patches, a, pooled, _ = cache
        gK, gb, gW, gc = self.gradients
        gW[...] = pooled @ delta.mT
        gc[...] = delta.sum(axis=-1)
        da = (self.layers[2] @ delta / 4).reshape(*a.shape[:-2], 1, -1) * np.sign(
            a
        )  # the mean's share, then ReLU's slope
        da = da.reshape(*a.shape[:-2], -1)
        gK[...] = patches @ da.mT
        gb[...] = da.sum(axis=-1)


class Transformer(Model):
    """Predicts every next character of a text: attention, then a dense layer, in each block (Vaswani et al., 2017).

    As there, each half of a block is x <- norm(x + f(x)), the norm standing last. characters: size of the alphabet; length: how many
    characters it reads; width: numbers for each; heads: of the attention (they divide the width); blocks; seed: whole number, or an
    array of them for replicas; l2: rate of an L2 penalty. Samples are whole numbers x (N, length), targets the one-hot next
    characters in one row, y (N, length * characters); losses and metrics are means over the positions. The parameters are the flat `w`
    (..., P); `layers` are views of it. Raises ValueError for sizes that do not fit.
    """

    integer_inputs = True

    def __init__(self, characters, length=16, width=24, heads=2, blocks=2, seed=0, l2=0.0):
        sizes = {
            "characters": characters,
            "length": length,
            "width": width,
            "heads": heads,
            "blocks": blocks,
        }
        k, t, d, self.heads, self.blocks = (
            checks.integer(name, value, 1) for name, value in sizes.items()
        )
        if d % heads:
            raise ValueError(f"heads={heads} does not divide width={d}")
        block = [(d, 3 * d), (d, d), (d,), (d,), (d, 4 * d), (4 * d,), (4 * d, d), (d,), (d,), (d,)]
        self.shapes = [(k, d), (t, d), *blocks * block, (d, k), (k,)]
        self.characters, self.inputs, self.outputs = k, (t,), t * k
        self.later = np.where(
            np.tri(t, dtype=bool), 0.0, -np.inf
        )  # added to the scores: nothing is heard from later characters
        super().__init__(seed, l2)

    def initialize(self, rng):
        """Fresh parameters (P,): characters and places normal of variance 1 / width, kernels by Glorot, gains one, the rest zero."""
        (k, d), (t, _) = self.shapes[:2]
        parts = [rng.normal(0, d**-0.5, shape) for shape in ((k, d), (t, d))]
        for i, shape in enumerate(self.shapes[2:]):
            gain = len(shape) == 1 and i < 10 * self.blocks and i % 10 in (2, 8)
            parts.append(
                glorot_uniform(rng, *shape) if len(shape) == 2 else np.full(shape, float(gain))
            )
        return np.concatenate([part.ravel() for part in parts])

    def views(self, flat):
        """All parameters as views of a flat vector (..., P): characters, places, ten a block, and the last dense layer."""
        return _views(flat, self.shapes)

    def compile(self, optimizer="rmsprop", loss=None, metrics=()):
        """As in `Model`: the loss and the metrics are applied at every position and averaged."""
        super().compile(optimizer, loss, metrics)
        self.loss = self._at_each_position(self.loss)
        self.metrics = {
            name: self._at_each_position(metric) for name, metric in self.metrics.items()
        }

    def _at_each_position(self, function):
        def averaged(z, y):
            split = [a.reshape(*a.shape[:-2], -1, self.characters, a.shape[-1]) for a in (z, y)]
            result = function(*split)
            if not isinstance(result, tuple):
                return result.mean(axis=-2)
            p, loss, delta = result
            return (
                p.reshape(z.shape),
                loss.mean(axis=-2),
                (delta / delta.shape[-3]).reshape(z.shape),
            )

        return averaged

    def _samples(self, x, y, name="x"):
        x, y = super()._samples(x, y, name)
        if x.dtype.kind not in "iu" or x.min() < 0 or x.max() >= self.characters:
            raise ValueError(
                f"{name} needs whole numbers from 0 to {self.characters - 1}: it holds {x.min()} to {x.max()}, dtype {x.dtype}"
            )
        return x, y

    def forward(self, x):
        """What `backward` needs, and last the outputs z (..., length * characters, B), for characters x (..., length, B).

        Inside, the B * length characters of a batch are the rows of one matrix (..., rows, width).
        """
        E, P, *blocks, V, c = self.layers
        t, batch = x.shape[-2:]
        one_hot = np.eye(self.characters)[x.swapaxes(-1, -2)].reshape(
            *x.shape[:-2], -1, self.characters
        )
        h = one_hot @ E
        h = (h.reshape(*h.shape[:-2], batch, t, -1) + P[..., None, :, :]).reshape(h.shape)
        caches = []
        for QKV, O, g1, s1, W1, b1, W2, b2, g2, s2 in zip(*[iter(blocks)] * 10, strict=True):
            heard, attention = self._attend(h @ QKV, batch)
            middle, norm1 = _normalize(h + heard @ O, g1, s1)
            a = np.maximum(middle @ W1 + b1[..., None, :], 0)
            new, norm2 = _normalize(middle + a @ W2 + b2[..., None, :], g2, s2)
            caches.append((h, heard, attention, middle, norm1, a, norm2))
            h = new
        z = h @ V + c[..., None, :]
        return [one_hot, caches, h, np.moveaxis(z.reshape(*z.shape[:-2], batch, -1), -2, -1)]

    def backward(self, cache, delta):
        """The gradient, written to the network's own vector, from `forward` and delta = dL/dz (..., length * characters, B)."""
        one_hot, caches, h, _ = cache
        gE, gP, *gblocks, gV, gc = self.gradients
        batch = delta.shape[-1]
        delta = np.moveaxis(delta, -1, -2).reshape(*delta.shape[:-2], -1, self.characters)
        gV[...] = h.mT @ delta
        gc[...] = delta.sum(axis=-2)
        dh = delta @ self.layers[-2].mT
        for i in reversed(range(self.blocks)):
            QKV, O, g1, _, W1, _, W2, _, g2, _ = self.layers[2 + 10 * i : 12 + 10 * i]
            gQKV, gO, gg1, gs1, gW1, gb1, gW2, gb2, gg2, gs2 = gblocks[10 * i : 10 * i + 10]
            h, heard, attention, middle, norm1, a, norm2 = caches[i]
            dh = _normalize_backward(dh, norm2, g2, gg2, gs2)
            gW2[...] = a.mT @ dh
            gb2[...] = dh.sum(axis=-2)
            da = dh @ W2.mT * np.sign(a)
            gW1[...] = middle.mT @ da
            gb1[...] = da.sum(axis=-2)
            dh = _normalize_backward(dh + da @ W1.mT, norm1, g1, gg1, gs1)
            gO[...] = heard.mT @ dh
            dqkv = self._attend_backward(dh @ O.mT, attention, batch)
            gQKV[...] = h.mT @ dqkv
            dh = dh + dqkv @ QKV.mT
        gE[...] = one_hot.mT @ dh
        gP[...] = dh.reshape(*dh.shape[:-2], batch, -1, dh.shape[-1]).sum(axis=-3)

    def _heads(self, rows, batch):
        """(..., batch * length, width) as (..., batch, heads, length, width of a head)."""
        return rows.reshape(
            *rows.shape[:-2], batch, -1, self.heads, rows.shape[-1] // self.heads
        ).swapaxes(-2, -3)

    def _rows(self, heads):
        """Back again: (..., batch * length, width)."""
        heads = heads.swapaxes(-2, -3)
        return heads.reshape(*heads.shape[:-4], heads.shape[-4] * heads.shape[-3], -1)

    def _attend(self, qkv, batch):
        """Each character's mean of the values v of itself and those before it, weighted by the softmax of q . k / sqrt(width)."""
        q, k, v = (self._heads(part, batch) for part in np.split(qkv, 3, axis=-1))
        scores = q @ k.mT * q.shape[-1] ** -0.5 + self.later
        share = np.exp(scores - scores.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        return self._rows(share @ v), (q, k, v, share)

    def _attend_backward(self, dheard, attention, batch):
        q, k, v, share = attention
        dheard = self._heads(dheard, batch)
        dshare = dheard @ v.mT
        dscores = (
            share * (dshare - (dshare * share).sum(axis=-1, keepdims=True)) * q.shape[-1] ** -0.5
        )
        return np.concatenate(
            [self._rows(part) for part in (dscores @ k, dscores.mT @ q, share.mT @ dheard)], axis=-1
        )


def windows(text, alphabet, length):
    """A text cut into samples for a `Transformer`: x (N, length) whole numbers, y (N, length * characters) the next ones, one-hot.

    Raises ValueError for a text too short, or with a character that is not in the alphabet.
    """
    checks.integer("length", length, 1)
    if strange := set(text) - set(alphabet):
        raise ValueError(
            f"text has the character {min(strange)!r}, which is not in alphabet={alphabet!r}"
        )
    codes = np.array([alphabet.index(character) for character in text])
    count = (len(codes) - 1) // length
    if count < 1:
        raise ValueError(f"text has {len(text)} characters: expected at least {length + 1}")
    x, following = (codes[i : i + count * length].reshape(count, length) for i in (0, 1))
    return x, np.eye(len(alphabet))[following].reshape(count, -1)


def _views(flat, shapes):
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    return [
        part.reshape(*flat.shape[:-1], *shape)
        for part, shape in zip(np.split(flat, ends, axis=-1), shapes, strict=True)
    ]


def _normalize(x, gain, shift):
    """Every row to mean 0 and variance 1, then times a gain, plus a shift, each (..., width) (Ba, Kiros & Hinton, 2016)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + 1e-5)
    unit = centred * scale
    return unit * gain[..., None, :] + shift[..., None, :], (unit, scale)


def _normalize_backward(d, norm, gain, ggain, gshift):
    unit, scale = norm
    ggain[...] = (d * unit).sum(axis=-2)
    gshift[...] = d.sum(axis=-2)
    d = d * gain[..., None, :]
    return scale * (
        d - d.mean(axis=-1, keepdims=True) - unit * (d * unit).mean(axis=-1, keepdims=True)
    )
