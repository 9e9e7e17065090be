import type { FastifyInstance } from 'fastify';
import findMyWay from 'find-my-way';

/** Which methods a path knows, so that a wrong one is told apart from a wrong path. */
export class AllowedMethods {
  private readonly router = findMyWay();
  private readonly methodsByPattern = new Map<string, Set<string>>();

  constructor(fastify: FastifyInstance) {
    fastify.addHook('onRoute', ({ url, method }) => {
      const known = this.methodsByPattern.get(url);
      const methods = known ?? new Set<string>();
      for (const name of [method].flat()) methods.add(name);
      if (known) return;
      this.methodsByPattern.set(url, methods);
      this.router.on('GET', url, () => undefined, methods);
    });
  }

  of(url: string): string[] {
    const found = this.router.find('GET', url.split('?')[0] ?? url);
    return found ? [...(found.store as Set<string>)] : [];
  }
}
