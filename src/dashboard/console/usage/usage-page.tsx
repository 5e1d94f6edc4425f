import { type Catalog, findPlan } from "../../../catalog/catalog.ts";
import { assets } from "../../assets.ts";
import { Card } from "../../parts.tsx";
import { amount } from "../metering/words.tsx";
import { CohortCard } from "./cohort-card.tsx";
import { ranges, type Split, splits, stepsOf, type TopTenant, type UsagePictures, type Wanted } from "./read.ts";

/** Pictures on one page: the largest parts. The file has all. */
const MOST = 6;

export function ChartAssets() {
  return (
    <>
      <link rel="stylesheet" href={assets.plotStyle.path} />
      <script src={assets.plot.path} defer />
      <script src={assets.chartScript.path} defer />
    </>
  );
}

interface UsagePageProps {
  readonly wanted: Wanted;
  readonly pictures: UsagePictures;
  readonly now: Date;
  readonly catalog: Catalog;
}

/** What all tenants use together, who uses most, and who stays. */
export function UsagePage({ wanted, pictures, now, catalog }: UsagePageProps) {
  const { through, tops_at: topsAt, counted_at: countedAt, tops, months } = pictures;
  const dimension = catalog.dimensions.find(({ id }) => id === wanted.dimension);
  return (
    <>
      <div class="heading">
        <h1>Usage</h1>
        <p class="quiet">
          {through === null ? "No hour has been summed yet." : `As of ${minuteOf(through)}: hours that are over.`}
        </p>
        <Choices wanted={wanted} catalog={catalog} />
      </div>
      <Pictures wanted={wanted} sums={pictures.sums} now={now} catalog={catalog} />
      {dimension === undefined ? null : <TopCard tops={tops} name={dimension.name} countedAt={topsAt} now={now} />}
      <CohortCard months={months} countedAt={countedAt} now={now} />
    </>
  );
}

/** "2026-05-10 09:00" */
export const minuteOf = (moment: string): string => moment.slice(0, 16).replace("T", " ");

function Choices({ wanted, catalog }: Pick<UsagePageProps, "wanted" | "catalog">) {
  const dimensions = Object.fromEntries(catalog.dimensions.map(({ id, name }) => [id, name]));
  const spans = Object.fromEntries(Object.entries(ranges).map(([range, { words }]) => [range, words]));
  return (
    <>
      <Choice name="range" words={spans} wanted={wanted} label="Range" />
      <Choice name="by" words={splits} wanted={wanted} label="A picture for each" />
      {wanted.by === "dimension" && catalog.dimensions.length < 2 ? null : (
        <Choice name="dimension" words={dimensions} wanted={wanted} label="Dimension" />
      )}
      <p>
        <a href={`/console/usage/export.csv?range=${wanted.range}`} download>
          CSV of all parts
        </a>
      </p>
    </>
  );
}

interface ChoiceProps {
  readonly name: keyof Wanted;
  readonly words: Readonly<Record<string, string>>;
  readonly wanted: Wanted;
  readonly label: string;
}

function Choice({ name, words, wanted, label }: ChoiceProps) {
  return (
    <nav class="ranges" aria-label={label}>
      {Object.entries(words).map(([one, word]) => (
        <a
          key={one}
          class="button"
          href={addressOf({ ...wanted, [name]: one })}
          aria-current={wanted[name] === one ? "page" : undefined}
        >
          {word}
        </a>
      ))}
    </nav>
  );
}

function addressOf({ range, by, dimension }: Wanted): string {
  return `/console/usage?${new URLSearchParams({ range, by, ...(dimension !== undefined && { dimension }) })}`;
}

interface Picture {
  readonly part: string;
  /** By the beginning of the step. */
  readonly used: ReadonlyMap<number, number>;
  readonly total: number;
}

function Pictures({ wanted, sums, now, catalog }: Omit<UsagePageProps, "pictures"> & Pick<UsagePictures, "sums">) {
  const all = picturesOf(sums);
  const steps = stepsOf(wanted.range, now);
  const { words } = ranges[wanted.range];
  if (all.length === 0)
    return (
      <Card id="pictures" title="Over time">
        <p>Nothing was used in the last {words}.</p>
      </Card>
    );
  return (
    <>
      {all.slice(0, MOST).map((one, n) => (
        <PictureCard
          key={one.part}
          id={`part-${n}`}
          name={nameOf(wanted.by, one.part, catalog)}
          picture={one}
          steps={steps}
          span={words}
        />
      ))}
      {all.length <= MOST ? null : (
        <p class="quiet">
          These are the {MOST} largest of {all.length}; the file has all.
        </p>
      )}
    </>
  );
}

function picturesOf(sums: UsagePictures["sums"]): readonly Picture[] {
  const parts = new Map<string, Map<number, number>>();
  for (const { at, part, quantity } of sums) {
    const used = parts.get(part) ?? new Map<number, number>();
    parts.set(part, used.set(Date.parse(at), Number(quantity)));
  }
  return [...parts]
    .map(([part, used]) => ({ part, used, total: [...used.values()].reduce((sum, one) => sum + one, 0) }))
    .sort((one, other) => other.total - one.total || (one.part < other.part ? -1 : 1));
}

function nameOf(by: Split, part: string, catalog: Catalog): string {
  if (by === "plan") return findPlan(catalog, part)?.name ?? part;
  return by === "dimension" ? (catalog.dimensions.find(({ id }) => id === part)?.name ?? part) : part;
}

interface PictureProps {
  readonly id: string;
  readonly name: string;
  readonly picture: Picture;
  readonly steps: readonly Date[];
  readonly span: string;
}

function PictureCard({ id, name, picture, steps, span }: PictureProps) {
  return (
    <Card id={id} title={name} intro={`${said(picture.total)} in the last ${span} (UTC).`}>
      <div class="chart" id={`chart-${id}`} aria-hidden="true" />
      <details>
        <summary>As a table</summary>
        <table data-chart={`chart-${id}`}>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">Used</th>
            </tr>
          </thead>
          <tbody>
            {steps.map((at) => (
              <tr key={at.getTime()}>
                <th scope="row">
                  <time dateTime={at.toISOString()}>{minuteOf(at.toISOString())}</time>
                </th>
                <td data-value={picture.used.get(at.getTime()) ?? 0}>{said(picture.used.get(at.getTime()) ?? 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </Card>
  );
}

const said = (quantity: number): string => quantity.toLocaleString("en-US", { maximumFractionDigits: 6 });

interface TopProps {
  readonly tops: readonly TopTenant[];
  readonly name: string;
  readonly countedAt: string | null;
  readonly now: Date;
}

function TopCard({ tops, name, countedAt, now }: TopProps) {
  const intro = `${name} in ${now.toISOString().slice(0, 7)} (UTC)${countedAt === null ? "" : `, as of ${minuteOf(countedAt)}`}.`;
  return (
    <Card id="tops" title="Who uses most" intro={intro}>
      {tops.length === 0 ? (
        <p>Nobody has been counted yet.</p>
      ) : (
        <table class="stacked lines">
          <thead>
            <tr>
              <th scope="col">Tenant</th>
              <th scope="col">Marketplace</th>
              <th scope="col">Plan</th>
              <th scope="col">Used</th>
            </tr>
          </thead>
          <tbody>
            {tops.map(({ tenant, name: called, marketplace, plan, quantity }) => (
              <tr key={tenant}>
                <th scope="row">
                  <a href={`/console/tenants/${tenant}`}>{called}</a>
                </th>
                <td data-word="Marketplace">{marketplace}</td>
                <td data-word="Plan">{plan}</td>
                <td data-word="Used">{amount(quantity)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}
