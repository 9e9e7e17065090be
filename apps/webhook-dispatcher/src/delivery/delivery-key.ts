/**
 * Finds the deliveries that are named by their primary key, and by nothing else. Said as usual, with three times `=`,
 * it could be looked up in other indexes too, which lead to all deliveries of an endpoint, or not looked up at all
 * but read in the key's order; of a table that was empty when it was last looked at, the planner believes that this
 * costs as little. Whole rows are compared in the order of that one index alone. The days besides are for the
 * partitions; they must not be compared with a value of the statement, as all of such a day could be read by it.
 */
export function isDelivery(delivery: string, named: string): string {
  const key = `(${named}.day, ${named}.event_id, ${named}.endpoint_id)`;
  return `(${delivery}.day, ${delivery}.event_id, ${delivery}.endpoint_id) BETWEEN ${key} AND ${key}
        AND ${delivery}.day BETWEEN ${named}.day AND ${named}.day`;
}
