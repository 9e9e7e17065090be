import { pageAnswer } from '#openapi';
import type { Page } from '#platform';
import type { Reader } from '#contracts';
import { present, type Resource } from './present.js';

export const presentPage = <Item>(page: Page<Item>, toResource: (item: Item) => Resource, reader: Reader) =>
  pageAnswer(page, (item) => present(toResource(item), reader));
