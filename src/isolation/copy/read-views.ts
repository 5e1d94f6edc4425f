import type { Scope } from "./scope.ts";
import type { Session } from "./session.ts";

export interface View {
  readonly name: string;
  readonly statement: string;
}

interface ReadView extends View {
  readonly oid: string;
  /** The views it reads. */
  readonly needs: readonly string[];
}

const VIEWS = `
  select c.oid::text, c.relname as name, format('create view %I (%s)%s as %s', c.relname,
    (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0),
    ' with (' || (select string_agg(format('%I=%L', option_name, option_value), ', ') from pg_options_to_table(c.reloptions)) || ')',
    pg_get_viewdef(c.oid)) as statement,
    array(select v.oid::text from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
      join pg_class v on (d.refclassid = 'pg_class'::regclass and v.oid = d.refobjid) or (d.refclassid = 'pg_type'::regclass and v.reltype = d.refobjid)
      where r.ev_class = c.oid and v.oid <> c.oid and v.relkind = 'v' group by v.oid) as needs
  from pg_class c where c.oid = any($1) order by c.relname collate "C"`;

const DEFAULTS = `
  select c.relname as name, format('alter view %I alter column %I set default %s', c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid)) as statement
  from pg_attrdef d join pg_class c on c.oid = d.adrelid join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
  where c.oid = any($1) order by c.relname collate "C", a.attnum`;

/** Each after the views it reads. */
export async function readViews(session: Session, { views }: Scope): Promise<readonly View[]> {
  if (views.length === 0) return [];
  const ordered = inOrder(await session.rows<ReadView>(VIEWS, [views]));
  return [...ordered, ...(await session.rows<View>(DEFAULTS, [views]))].map(({ name, statement }) => ({
    name,
    statement,
  }));
}

/** Views can be made to read each other; such a ring comes out in some order, and cannot be made again. */
function inOrder(views: readonly ReadView[]): readonly ReadView[] {
  const waiting = new Map(views.map((view) => [view.oid, view]));
  const ordered: ReadView[] = [];
  const add = (view: ReadView): void => {
    if (!waiting.delete(view.oid)) return;
    for (const needed of view.needs) {
      const before = waiting.get(needed);
      if (before !== undefined) add(before);
    }
    ordered.push(view);
  };
  for (const view of views) add(view);
  return ordered;
}
