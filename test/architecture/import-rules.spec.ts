import { runReport } from './run-report.js';

interface RealTree {
  moduleCount: number;
  unread: string[];
  subpathTargets: Record<string, string[]>;
  complaints: string[];
}

describe('the import rules on this repository', () => {
  const tree = runReport<RealTree>('real-tree.mjs');

  it('are kept', () => {
    expect(tree.complaints).toEqual([]);
  });

  it('were held against every TypeScript file', () => {
    expect(tree.unread).toEqual([]);
    expect(tree.moduleCount).toBeGreaterThan(30);
  });

  it('follow subpath imports to the sources', () => {
    expect(tree.subpathTargets).toMatchObject({
      '#domain': ['libs/domain/src/index.ts'],
      '#journal': ['libs/journal/src/index.ts'],
      '#http': ['libs/http/src/index.ts'],
      '#platform': ['libs/platform/src/index.ts'],
    });
  });
});
