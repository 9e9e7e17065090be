export const plantedInLists = [];
