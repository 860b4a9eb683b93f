/** How a run comes about. */
export const SNIPPET = `from keras_explain.callbacks import Explain
explain = Explain("logs/run1", probes=(x_val[:16], y_val[:16]))
model.fit(x, y, epochs=30, callbacks=[explain])`;
