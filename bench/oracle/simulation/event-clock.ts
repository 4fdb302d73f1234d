/** Simulated time: what is to happen, in the order of when, and of what was said first. */

interface SimulatedEvent {
  readonly at: number;
  readonly order: number;
  readonly happen: () => void;
}

export class EventClock {
  /** A binary heap: each event is before both of its children. */
  readonly #heap: SimulatedEvent[] = [];
  #order = 0;
  #now = 0;

  /** Milliseconds from the beginning. */
  get now(): number {
    return this.#now;
  }

  /** @param delay milliseconds from now */
  after(delay: number, happen: () => void): void {
    this.#order += 1;
    this.#push({ at: this.#now + Math.max(0, delay), order: this.#order, happen });
  }

  /** Lets everything happen that is due until `end`. */
  run(end: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#pop();
      this.#now = next.at;
      next.happen();
    }
    this.#now = end;
  }

  #push(event: SimulatedEvent): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const child = isBefore(heap[left + 1], heap[left]) ? left + 1 : left;
      const below = heap[child];
      if (below === undefined || !isBefore(below, last)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: SimulatedEvent | undefined, b: SimulatedEvent | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
