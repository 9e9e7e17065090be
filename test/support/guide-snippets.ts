import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { projectDirectory } from './config.js';

const RUN_SECONDS_MAX = 240;

/** The named snippets of a page (```ts dedup.ts), as files of a directory in which they can be run. */
export interface Snippets {
  readonly directory: string;
  readonly names: readonly string[];
  /** Every fence of the page, the nameless ones included, by its first line. */
  readonly fences: readonly string[];
  remove(): Promise<void>;
}

export async function extractSnippets(page: string): Promise<Snippets> {
  const text = await readFile(join(projectDirectory, page), 'utf8');
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'guide-')));
  await symlink(join(projectDirectory, 'node_modules'), join(directory, 'node_modules'));
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  const names: string[] = [];
  const fences: string[] = [];
  for (const [, info, code] of text.matchAll(/^```(\S[^\n]*)\n([\s\S]*?)^```$/gm)) {
    fences.push(info ?? '');
    const name = info?.split(' ')[1];
    if (name === undefined) continue;
    names.push(name);
    await writeFile(join(directory, name), code ?? '');
  }
  return {
    directory,
    names,
    fences,
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Compiles as a strict reader would; returns what the compiler has to say. The JavaScript lies beside. */
export function compileTypeScript({ directory, names }: Snippets): string[] {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    typeRoots: [join(projectDirectory, 'node_modules/@types')],
    types: ['node'],
  };
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => join(directory, name));
  const program = ts.createProgram(files, options);
  const diagnostics = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  return diagnostics.map(({ messageText, file, start }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1;
    return `${file?.fileName ?? ''}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

export function isInstalled(program: string, versionArgument: string): boolean {
  return spawnSync(program, [versionArgument], { stdio: 'ignore' }).status === 0;
}

/** Runs a program on a JSON input and returns its JSON output. It gets no way to a package registry. */
export async function runOnJson(
  command: readonly [program: string, ...args: string[]],
  directory: string,
  input: unknown,
): Promise<unknown> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: directory,
    env: { ...process.env, NODE_OPTIONS: '', GOPROXY: 'off', GOFLAGS: '-mod=mod', GO111MODULE: 'on' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_SECONDS_MAX * 1000);
  let [output, complaints] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString('utf8')));
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(input));
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${String(code)}:\n${complaints}`);
  return JSON.parse(output) as unknown;
}

/** A program that calls what a snippet defines stands beside it, under a name of its own. */
export async function writeBeside(
  { directory }: Snippets,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
}
