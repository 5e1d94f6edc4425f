/** A call that waits for the simulator's clock. */
export interface Alarm {
  cancel(): void;
}

/** The simulator's own time: real time plus a distance that can be changed. All its timers follow it. */
export interface SimulatorClock {
  now(): Date;
  /** The instant `ms` after now; negative for before. */
  in(ms: number): Date;
  set(now: Date): void;
  advance(ms: number): void;
  /** Back to real time. Alarms stay. */
  reset(): void;
  /** Runs `run` once, when the clock has reached `when`. */
  at(when: Date, run: () => void): Alarm;
  /** Drops every alarm. */
  forgetAlarms(): void;
  stop(): void;
}

interface PendingAlarm {
  readonly when: number;
  readonly run: () => void;
}

/** How often, in real time, due alarms are looked for; a turned clock looks at once. */
const LOOK_EVERY_MS = 200;

export function createClock(): SimulatorClock {
  let ahead = 0;
  const alarms = new Set<PendingAlarm>();
  const now = (): number => Date.now() + ahead;

  const ring = (): void => {
    const due = [...alarms].filter((alarm) => alarm.when <= now()).sort((a, b) => a.when - b.when);
    for (const alarm of due) if (alarms.delete(alarm)) alarm.run();
  };
  const turn = (distance: number): void => {
    ahead = distance;
    ring();
  };
  const timer = setInterval(ring, LOOK_EVERY_MS);
  timer.unref();

  return {
    now: () => new Date(now()),
    in: (ms) => new Date(now() + ms),
    set: (instant) => turn(instant.getTime() - Date.now()),
    advance: (ms) => turn(ahead + ms),
    reset: () => turn(0),
    at: (when, run) => {
      const alarm = { when: when.getTime(), run };
      alarms.add(alarm);
      return { cancel: () => void alarms.delete(alarm) };
    },
    forgetAlarms: () => alarms.clear(),
    stop: () => {
      clearInterval(timer);
      alarms.clear();
    },
  };
}
