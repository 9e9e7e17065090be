import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/**
 * A tree into which bugs are planted, with its build kept in step. The compiler stays in memory, so that a bug costs
 * the check of one file; a bug that it complains about would be found without any test, and proves nothing.
 */
export class PlantedSources {
  #root;
  #config;
  #service;
  /** Sources that are not as the tree had them when it was read first. */
  #changes = new Map();

  constructor(root) {
    this.#root = root;
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
    this.#config = ts.parseJsonConfigFileContent(config, ts.sys, root);
    this.#service = this.#createService();
  }

  /** Everything, unchecked. */
  build() {
    const { fileNames, options } = this.#config;
    const program = ts.createProgram({
      rootNames: fileNames,
      options: { ...options, incremental: false, tsBuildInfoFile: undefined, noCheck: true },
    });
    const { diagnostics } = program.emit();
    if (diagnostics.length > 0) throw new Error(textOf(diagnostics[0]));
  }

  /** A text is what the compiler says against it, else what is given back takes the bug out again. */
  plant({ file, text, bug }) {
    const path = join(this.#root, file);
    const sound = readFileSync(path, 'utf8');
    const planted = sound.replace(text, () => bug);
    this.#change(path, planted);
    const [complaint] = [
      ...this.#service.getSyntacticDiagnostics(path),
      ...this.#service.getSemanticDiagnostics(path),
    ];
    const restore = () => {
      this.#change(path, sound);
      writeFileSync(path, sound);
      this.#emit(path);
    };
    if (complaint) {
      this.#change(path, sound);
      return textOf(complaint);
    }
    writeFileSync(path, planted);
    this.#emit(path);
    return restore;
  }

  #change(path, text) {
    this.#changes.set(path, { text, version: (this.#changes.get(path)?.version ?? 0) + 1 });
  }

  #emit(path) {
    for (const { name, text } of this.#service.getEmitOutput(path).outputFiles) writeFileSync(name, text);
  }

  #createService() {
    const { fileNames, options } = this.#config;
    const read = (path) => this.#changes.get(path)?.text ?? ts.sys.readFile(path);
    return ts.createLanguageService({
      getScriptFileNames: () => fileNames,
      getScriptVersion: (path) => String(this.#changes.get(path)?.version ?? 0),
      getScriptSnapshot: (path) => {
        const text = read(path);
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
      },
      getCompilationSettings: () => ({ ...options, incremental: false, tsBuildInfoFile: undefined }),
      getCurrentDirectory: () => this.#root,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: ts.sys.fileExists,
      readFile: ts.sys.readFile,
      readDirectory: ts.sys.readDirectory,
      directoryExists: ts.sys.directoryExists,
      getDirectories: ts.sys.getDirectories,
      realpath: ts.sys.realpath,
    });
  }
}

function textOf({ messageText }) {
  return ts.flattenDiagnosticMessageText(messageText, ' ').slice(0, 300);
}
