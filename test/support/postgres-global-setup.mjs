// One server for the whole run, whatever the number of projects that ask for it.
import { shareCluster, sharedCluster } from '../../dist/test/support/config.js';
import { startTestCluster } from '../../dist/test/support/test-cluster.js';

export default async function startPostgres() {
  if (sharedCluster() === undefined) shareCluster(await startTestCluster());
}
