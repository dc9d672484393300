import jax
import jax.numpy as jnp
import numpy as np
import optax

from optimlib.data import load_digits

(x, y), _, (x_test, y_test) = load_digits()
rng, he_normal = np.random.default_rng(0), jax.nn.initializers.he_normal()
key1, key2 = jax.random.split(jax.random.key(0))
w = {
    "W1": he_normal(key1, (64, 32)),
    "b1": jnp.zeros(32),
    "W2": he_normal(key2, (32, 10)),
    "b2": jnp.zeros(10),
}
opt = optax.adam(learning_rate=1e-3)
state = opt.init(w)


def logits(w, x):
    return jax.nn.relu(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]


def loss(w, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(logits(w, x), y).mean()


@jax.jit
def step(w, state, x, y):
    updates, state = opt.update(jax.grad(loss)(w, x, y), state, w)
    return optax.apply_updates(w, updates), state


for epoch in range(20):
    order = rng.permutation(len(x))
    for start in range(0, len(x), 32):
        batch = order[start : start + 32]
        w, state = step(w, state, x[batch], y[batch])
accuracy = float((logits(w, x_test).argmax(axis=1) == y_test).mean())
