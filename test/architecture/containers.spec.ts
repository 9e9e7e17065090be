import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

// No container engine is needed to run the tests, so the files are held against what they must say.
const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Service {
  image?: string;
  build?: string;
  command?: string[];
  environment: Record<string, string | number>;
  depends_on?: Record<string, { condition: string }>;
}

interface Stage {
  base: string;
  name: string | undefined;
  instructions: { keyword: string; rest: string }[];
}

function stagesOf(dockerfile: string): Stage[] {
  const stages: Stage[] = [];
  const lines = dockerfile.replaceAll(/\\\n/g, ' ').split('\n');
  for (const line of lines.filter((text) => text.trim() !== '' && !text.startsWith('#'))) {
    const [, keyword = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    const [, base = '', name] = keyword === 'FROM' ? (/^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest) ?? []) : [];
    if (keyword === 'FROM') stages.push({ base, name, instructions: [] });
    else stages.at(-1)?.instructions.push({ keyword, rest });
  }
  return stages;
}

describe('Dockerfile', () => {
  const stages = stagesOf(read('Dockerfile'));
  const last = stages.at(-1);
  const told = (keyword: string): string[] =>
    (last?.instructions ?? []).filter((line) => line.keyword === keyword).map(({ rest }) => rest);

  it('consists of instructions that Docker knows', () => {
    const known = ['ARG', 'CMD', 'COPY', 'ENV', 'EXPOSE', 'HEALTHCHECK', 'RUN', 'USER', 'WORKDIR'];
    const keywords = stages.flatMap(({ instructions }) => instructions.map(({ keyword }) => keyword));
    expect(keywords.filter((keyword) => !known.includes(keyword))).toEqual([]);
  });

  it('builds in one stage and runs in another, both on the same Node', () => {
    expect(stages.length).toBeGreaterThan(1);
    expect(new Set(stages.map(({ base }) => base))).toEqual(new Set(['node:24-bookworm-slim']));
  });

  it('copies from stages that exist and paths that exist', () => {
    const names = stages.map(({ name }) => name);
    const copies = stages.flatMap(({ instructions }) =>
      instructions.filter(({ keyword }) => keyword === 'COPY'),
    );
    for (const { rest } of copies) {
      const [, stage, paths = ''] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(rest) ?? [];
      if (stage) expect(names).toContain(stage);
      else
        for (const path of paths.split(/\s+/).slice(0, -1))
          expect([path, existsSync(join(root, path))]).toEqual([path, true]);
    }
  });

  it('runs the ledger as an ordinary user, with production packages and a health check', () => {
    expect(told('USER')).toEqual(['node']);
    expect(told('CMD')).toEqual(['["node", "--max-semi-space-size=64", "dist/apps/ledger/src/main.js"]']);
    expect(told('HEALTHCHECK').join()).toContain('/health/live');
    expect(told('COPY').filter((rest) => rest.includes('node_modules'))).toEqual([
      '--from=dependencies /app/node_modules node_modules',
    ]);
    const dependencies = stages.find(({ name }) => name === 'dependencies');
    expect(dependencies?.instructions.map(({ rest }) => rest).join('\n')).toContain('npm ci --omit=dev');
  });
});

describe('docker-compose.yml', () => {
  const { services } = parse(read('docker-compose.yml')) as { services: Record<string, Service> };
  const service = (name: string): Service => {
    const found = services[name];
    if (!found) throw new Error(`no service ${name}`);
    return found;
  };

  it('names the services', () => {
    expect(Object.keys(services).sort()).toEqual(['kafka', 'ledger', 'migrate', 'postgres']);
  });

  it('gives Postgres the encoding and the locale that the ledger insists on', () => {
    const { image, environment } = service('postgres');
    expect(image).toBe('postgres:18');
    expect(environment['POSTGRES_INITDB_ARGS']).toBe(
      '--encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8',
    );
  });

  it('has a Kafka that makes no topic by itself', () => {
    expect(service('kafka').environment['KAFKA_AUTO_CREATE_TOPICS_ENABLE']).toBe('false');
  });

  it('migrates as the owner, once, before the ledger starts', () => {
    const migrate = service('migrate');
    expect(migrate.command).toEqual(['node', 'dist/tools/migrate/main.js']);
    expect(Object.keys(migrate.environment)).toEqual([
      'DATABASE_URL',
      'LEDGER_DATABASE_URL',
      'DISPATCHER_DATABASE_URL',
    ]);
    expect(migrate.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    expect(service('ledger').depends_on).toEqual({
      migrate: { condition: 'service_completed_successfully' },
    });
  });

  it('gives the ledger its own database role only, and no secret that is written here', () => {
    const { environment } = service('ledger');
    expect(environment).not.toHaveProperty('DATABASE_URL');
    expect(environment['LEDGER_DATABASE_URL']).toBe(service('migrate').environment['LEDGER_DATABASE_URL']);
    for (const name of ['BOOTSTRAP_API_KEY', 'SECRETS_KEY'])
      expect(environment[name]).toMatch(/^\$\{\w+:\?.+\}$/);
  });
});
