/** `TTTTTTTTXXXXXXXXYYYYYYYY`: the timeline, and the number of the file in two parts; of 16 MiB, 256 make one X. */
const walFile = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/;
const filesPerPart = 256n;

/** Names of the files of the log from one to another, both included. */
export function walFilesBetween(first: string, last: string): string[] {
  const names: string[] = [];
  const timeline = first.slice(0, 8);
  for (let number = numberOf(first); number <= numberOf(last); number++) names.push(nameOf(timeline, number));
  return names;
}

/** The one after it. */
export function nextWalFile(name: string): string {
  return nameOf(name.slice(0, 8), numberOf(name) + 1n);
}

export function isWalFile(name: string): boolean {
  return walFile.test(name);
}

/** Where in the log a file begins, as its `X/Y` says it. */
export function lsnOf(text: string): bigint {
  const [high = '', low = ''] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

export function startOfWalFile(name: string): bigint {
  return numberOf(name) << 24n;
}

function numberOf(name: string): bigint {
  const [, , high, low] = walFile.exec(name) ?? [];
  if (high === undefined || low === undefined) throw new Error(`${name} is no file of the log`);
  return BigInt(`0x${high}`) * filesPerPart + BigInt(`0x${low}`);
}

function nameOf(timeline: string, number: bigint): string {
  const part = (value: bigint) => value.toString(16).toUpperCase().padStart(8, '0');
  return timeline + part(number / filesPerPart) + part(number % filesPerPart);
}
