/** An id as the API shows it: what it is of, and 26 characters of base 32. */
export const typeId = (prefix: string): RegExp => new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`);
