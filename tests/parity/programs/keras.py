import keras
from keras import layers, optimizers

from optimlib.data import load_digits

(x, y), _, (x_test, y_test) = load_digits()
keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((64,)),
        layers.Dense(32, activation="relu", kernel_initializer="he_normal"),
        layers.Dense(10, activation="softmax", kernel_initializer="he_normal"),
    ]
)
opt = optimizers.Adam(learning_rate=1e-3)
model.compile(optimizer=opt, loss='categorical_crossentropy', metrics=['accuracy'])  # fmt: skip
model.fit(x, keras.utils.to_categorical(y), epochs=20, batch_size=32, verbose=0)
loss, accuracy = model.evaluate(x_test, keras.utils.to_categorical(y_test), verbose=0)
