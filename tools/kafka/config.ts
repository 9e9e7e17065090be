import { fileURLToPath } from 'node:url';

/** The repository, whether this runs from its sources or from dist. */
export const projectDirectory = fileURLToPath(new URL('../../', import.meta.url)).replace(/dist\/$/, '');

const SEEN_BY_JAVA = ['PATH', 'HOME', 'USER', 'JAVA_HOME', 'MAVEN_OPTS', 'MAVEN_ARGS', 'TMPDIR'];

/** What Java and Maven see: where they are and how they reach the network, and nothing of our own settings. */
export function javaEnvironment(): Record<string, string> {
  const found = SEEN_BY_JAVA.map((name) => [name, process.env[name]] as const);
  return {
    ...Object.fromEntries(found.filter((pair): pair is [string, string] => pair[1] !== undefined)),
    LC_ALL: 'C',
  };
}
