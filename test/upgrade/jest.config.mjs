// Apart from the other projects: only `npm run test:upgrade` runs two releases at once.
import projects from '../../jest.config.mjs';

const likeThis = projects.projects.find(({ displayName }) => displayName === 'faults');

export default {
  ...likeThis,
  rootDir: '../..',
  displayName: 'upgrade',
  testMatch: ['<rootDir>/test/upgrade/**/*.upgrade.spec.ts'],
};
