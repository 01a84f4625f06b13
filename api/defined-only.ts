type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The same object less what is undefined, which an optional field may not be where its type does not say so. */
export const definedOnly = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
