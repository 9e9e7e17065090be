export const plantedInPublishing = [];
