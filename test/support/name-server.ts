import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';

/** The addresses of a name, or `silent`: nothing is ever answered. Names that are not in it don't exist. */
export type Zone = Readonly<Record<string, readonly string[] | 'silent'>>;

const headerBytes = 12;
const typeA = 1;
const typeAaaa = 28;

/** A name server on loopback that answers A and AAAA over UDP from a table. */
export class NameServer {
  readonly asked: string[] = [];

  private constructor(
    private readonly socket: Socket,
    private readonly zone: Zone,
  ) {}

  static async start(zone: Zone): Promise<NameServer> {
    const socket = createSocket('udp4');
    const server = new NameServer(socket, zone);
    socket.on('message', (query, { port, address }) => {
      const answer = server.answerTo(query);
      if (answer) socket.send(answer, port, address);
    });
    await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound));
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  async stop(): Promise<void> {
    await new Promise<void>((closed) => this.socket.close(closed));
  }

  private answerTo(query: Buffer): Buffer | null {
    const labels: string[] = [];
    let at = headerBytes;
    for (let length = query[at++]!; length > 0; length = query[at++]!) {
      labels.push(query.toString('latin1', at, at + length));
      at += length;
    }
    const name = labels.join('.').toLowerCase();
    const type = query.readUInt16BE(at);
    this.asked.push(`${name} ${type}`);
    const found = this.zone[name];
    if (found === 'silent') return null;
    const family = { [typeA]: 4, [typeAaaa]: 6 }[type];
    const records = (found ?? []).filter((address) => isIP(address) === family).map(recordOf);
    const header = Buffer.alloc(headerBytes);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(found ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    return Buffer.concat([header, query.subarray(headerBytes, at + 4), ...records]);
  }
}

/** For the name in question, with no time to live. */
function recordOf(address: string): Buffer {
  const data = isIP(address) === 4 ? Buffer.from(address.split('.').map(Number)) : bytesOfIpv6(address);
  const head = Buffer.alloc(headerBytes);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(data.length === 4 ? typeA : typeAaaa, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function bytesOfIpv6(address: string): Buffer {
  const [left = '', right = ''] = address.split('::');
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':'));
  const [first, last] = [groupsOf(left), groupsOf(right)];
  const zeros = Array<string>(8 - first.length - last.length).fill('0');
  const hex = [...first, ...zeros, ...last].map((group) => group.padStart(4, '0')).join('');
  return Buffer.from(hex, 'hex');
}
