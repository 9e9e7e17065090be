/** A program that fails, made as short as the time allows: by leaving out parts of it and trying again. */
import { operationsOf, type Operation, type Program } from '../generate/program.js';

export interface ShrinkLimits {
  readonly deadline: number;
  /** A race is not lost each time. */
  readonly triesEach: number;
}

export async function shrink(
  program: Program,
  fails: (program: Program) => Promise<boolean>,
  { deadline, triesEach }: ShrinkLimits,
): Promise<Program> {
  const stillFails = async (candidate: Program): Promise<boolean> => {
    for (let n = 0; n < triesEach && Date.now() < deadline; n++) if (await fails(candidate)) return true;
    return false;
  };
  const lone = byOneClient(program);
  let shortest = (await stillFails(lone)) ? lone : program;
  for (let size = Math.ceil(operationsOf(shortest).length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < operationsOf(shortest).length && Date.now() < deadline;) {
      const dropped = new Set(operationsOf(shortest).slice(at, at + size));
      const candidate = without(shortest, dropped);
      if (await stillFails(candidate)) shortest = candidate;
      else at += size;
    }
  }
  return shortest;
}

function byOneClient(program: Program): Program {
  const operations = program.clients.flat().sort((a, b) => a.number - b.number);
  return { ...program, clients: [operations] };
}

function without(program: Program, dropped: ReadonlySet<Operation>): Program {
  const isKept = (operation: Operation) => !dropped.has(operation);
  return {
    ...program,
    setup: program.setup.filter(isKept),
    clients: program.clients
      .map((operations) => operations.filter(isKept))
      .filter(({ length }) => length > 0),
  };
}
