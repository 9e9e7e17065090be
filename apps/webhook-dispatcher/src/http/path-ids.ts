import { typeId } from '#openapi';

export const exampleIds = {
  endpoint: 'whe_01jd3v6c0rfh7s5kx2m9q4t8bn',
  delivery: 'dlv_01jd3v6d5xe2v8w6p3n0r7j9ck',
  event: 'evt_01jd3v5m80ecq93pzx1h6s7avg',
  account: 'acc_01jd3v4wqzfxs9v5n6m7k8h2re',
  recovery: 'rec_01jd3v6g2mf1t7a3yh8k5c9w0d',
} as const;

/** What `{id}` stands for. A malformed one is 404, as one of nothing. */
export const pathIds = {
  endpoint: {
    description: 'The endpoint',
    schema: typeId('whe', 'An endpoint id', exampleIds.endpoint),
  },
  delivery: {
    description: 'The delivery',
    schema: typeId('dlv', 'A delivery id', exampleIds.delivery),
  },
};
