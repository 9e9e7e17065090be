export const plantedInWebhooks = [];
