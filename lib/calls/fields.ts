/** Where calls and their events keep a field: Wavix's senders differ in names, and in how deep they put them. */

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The first field there is. A name counts more than a place: with the `id` of a delivery around it, the call's own
 * `uuid` is found.
 *
 * @param places where to look; what is no object is passed over
 * @param names today's first
 * @returns undefined when there is none; null and an empty text count as none
 */
export function firstIn(places: readonly unknown[], names: readonly string[]): unknown {
  for (const name of names) {
    for (const place of places) {
      if (!isObject(place) || !Object.hasOwn(place, name)) continue;
      const value = place[name];
      if (value !== undefined && value !== null && value !== '') return value;
    }
  }
  return undefined;
}
