import keras
from keras import layers, losses, optimizers
from keras.optimizers import schedules

from optimlib.data import load_digits

(x, y), _, (x_test, y_test) = load_digits()
keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((64,)),
        layers.Dense(32, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(10),
    ]
)
rate = schedules.CosineDecay(  # counts pieces: two for each update
    1e-4, decay_steps=900, warmup_target=0.01, warmup_steps=100
)
opt = optimizers.AdamW(
    rate,
    weight_decay=0.01,
    global_clipnorm=1.0,
    gradient_accumulation_steps=2,
)
opt.exclude_from_weight_decay(var_names=["bias"])
model.compile(
    optimizer=opt,
    loss=losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(x, y, epochs=20, batch_size=20, verbose=0)
_, accuracy = model.evaluate(x_test, y_test, verbose=0)
