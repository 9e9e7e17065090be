/** How long the random runs go on, from which seed, and where their figures are written. */
export const modelSettings = () => ({
  seconds: Number(process.env['MODEL_SECONDS'] ?? '10'),
  seed: process.env['TEST_SEED'] === undefined ? undefined : Number(process.env['TEST_SEED']),
  figuresFile: process.env['MODEL_FIGURES'],
});
