"""The same network, trained on the same digits by Keras, PyTorch and optax, with the lines that the book shows.

Each function is one framework's whole program: it takes the line that makes the optimizer, a seed, the training and the test
data, and returns the accuracy on the test data. record_frameworks.py writes the source of each beside what it gave, so the
program that chapter 9 prints is the one that ran.
"""

import numpy as np

EPOCHS, BATCH_SIZE = 20, 32
FRAMEWORK_SEEDS, OPTIMLIB_SEEDS = range(5), range(20)

LINES = {
    "SGD with momentum": {
        "keras": "optimizers.SGD(learning_rate=0.01, momentum=0.9)",
        "torch": "torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)",
        "optax": "optax.sgd(learning_rate=0.01, momentum=0.9)",
    },
    "RMSprop": {
        "keras": "optimizers.RMSprop(learning_rate=1e-3)",
        "torch": "torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9)",
        "optax": "optax.rmsprop(learning_rate=1e-3)",
    },
    "Adam": {
        "keras": "optimizers.Adam(learning_rate=1e-3)",
        "torch": "torch.optim.Adam(model.parameters(), lr=1e-3)",
        "optax": "optax.adam(learning_rate=1e-3)",
    },
    "AdamW": {
        "keras": "optimizers.AdamW(learning_rate=1e-3, weight_decay=1e-2)",
        "torch": "torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)",
        "optax": "optax.adamw(learning_rate=1e-3, weight_decay=1e-2)",
    },
}


def with_keras(line, seed, train, test):
    import keras
    from keras import layers, optimizers

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(32, activation="relu", kernel_initializer="he_normal"),
            layers.Dense(10, activation="softmax", kernel_initializer="he_normal"),
        ]
    )
    opt = eval(line, {"optimizers": optimizers})
    model.compile(optimizer=opt, loss='categorical_crossentropy', metrics=['accuracy'])  # fmt: skip
    model.fit(train[0], keras.utils.to_categorical(train[1]), epochs=20, batch_size=32, verbose=0)
    return model.evaluate(test[0], keras.utils.to_categorical(test[1]), verbose=0)[1]


def with_tensorflow_keras(line, seed, train, test):
    import tensorflow
    from tensorflow.keras import layers, optimizers

    tensorflow.keras.utils.set_random_seed(seed)
    model = tensorflow.keras.Sequential(
        [
            tensorflow.keras.Input((64,)),
            layers.Dense(32, activation="relu", kernel_initializer="he_normal"),
            layers.Dense(10, activation="softmax", kernel_initializer="he_normal"),
        ]
    )
    opt = eval(line, {"optimizers": optimizers})
    model.compile(optimizer=opt, loss='categorical_crossentropy', metrics=['accuracy'])  # fmt: skip
    one_hot = tensorflow.keras.utils.to_categorical
    model.fit(train[0], one_hot(train[1]), epochs=20, batch_size=32, verbose=0)
    return model.evaluate(test[0], one_hot(test[1]), verbose=0)[1]


def with_torch(line, seed, train, test):
    import torch

    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    for layer in (model[0], model[2]):
        torch.nn.init.kaiming_normal_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    optimizer = eval(line, {"torch": torch, "model": model})
    loss = torch.nn.CrossEntropyLoss()
    x, y = torch.tensor(train[0], dtype=torch.float32), torch.tensor(train[1])
    for epoch in range(20):
        for batch in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            loss(model(x[batch]), y[batch]).backward()
            optimizer.step()
    predicted = model(torch.tensor(test[0], dtype=torch.float32)).argmax(dim=1)
    return (predicted == torch.tensor(test[1])).double().mean().item()


def with_optax(line, seed, train, test):
    import jax
    import optax
    from jax import numpy as jnp

    keys = jax.random.split(jax.random.key(seed), 22)
    he_normal = jax.nn.initializers.he_normal()
    w = {"W1": he_normal(keys[0], (64, 32)), "b1": jnp.zeros(32), "W2": he_normal(keys[1], (32, 10)), "b2": jnp.zeros(10)}

    def logits(w, x):
        return jax.nn.relu(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]

    def loss(w, x, y):
        return optax.softmax_cross_entropy_with_integer_labels(logits(w, x), y).mean()

    optimizer = eval(line, {"optax": optax})
    state = optimizer.init(w)

    @jax.jit
    def step(w, state, x, y):
        updates, state = optimizer.update(jax.grad(loss)(w, x, y), state, w)
        return optax.apply_updates(w, updates), state

    x, y = jnp.asarray(train[0], "float32"), jnp.asarray(train[1])
    for epoch in range(20):
        order = jax.random.permutation(keys[2 + epoch], len(x))
        for start in range(0, len(x), 32):
            batch = order[start : start + 32]
            w, state = step(w, state, x[batch], y[batch])
    predicted = logits(w, jnp.asarray(test[0], "float32")).argmax(axis=1)
    return float((predicted == jnp.asarray(test[1])).mean())


PROGRAMS = {"keras": with_keras, "tensorflow.keras": with_tensorflow_keras, "torch": with_torch, "optax": with_optax}


def line(name, framework):
    """The line for an optimizer in a framework; tensorflow.keras has Keras' own."""
    return LINES[name]["keras" if framework == "tensorflow.keras" else framework]


def accuracies(name, framework, data):
    """The test accuracy of every seed."""
    return [PROGRAMS[framework](line(name, framework), seed, data.train, data.test) for seed in FRAMEWORK_SEEDS]


def with_optimlib(name, data):
    """The test accuracy of every seed by optimlib: the Keras line after the one changed import."""
    from optimlib import optimizers
    from optimlib.mlp import MLP

    model = MLP([64, 32, 10], seed=np.array(OPTIMLIB_SEEDS))
    opt = eval(LINES[name]["keras"], {"optimizers": optimizers})
    model.compile(optimizer=opt, loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(*data.train, epochs=EPOCHS, batch_size=BATCH_SIZE)
    return model.evaluate(*data.test)[1].tolist()
