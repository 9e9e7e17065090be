/** What Postgres' programs see: messages in English, and nothing of our own settings. */
export function programEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] || '/usr/bin:/bin', LC_ALL: 'C' };
}
