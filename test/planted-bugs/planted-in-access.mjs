export const plantedInAccess = [];
