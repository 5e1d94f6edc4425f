import { connect } from "../../src/db/db.ts";
import { isolate, type Store } from "../../src/isolation/isolation.ts";

export interface CountedStore {
  readonly store: Store;
  /** A line for each round trip so far; empty it to begin again. */
  readonly trips: string[];
  close(): Promise<void>;
}

/** The database as the serving role sees it, with every message to it noted. */
export function countedStore({ appUrl }: { readonly appUrl: string }): CountedStore {
  const database = connect({ url: appUrl });
  const trips: string[] = [];
  const store = isolate(
    {
      ...database,
      run: (statement) => {
        trips.push(statement.text);
        return database.run(statement);
      },
      transaction: (prelude, work) => {
        trips.push("begin", "commit");
        return database.transaction(prelude, (tx, answered) => {
          const query: typeof tx.query = (text, ...rest) => {
            trips.push(text);
            return tx.query(text, ...rest);
          };
          return work({ ...tx, query }, answered);
        });
      },
    },
    { role: null },
  );
  return { store, trips, close: database.close };
}
