export const plantedInJournal = [];
