/** Which functions can be on the stack more than once: the others nest no deeper than the program is written. */

import type { FunctionBody } from "./function-body.ts";

/**
 * By index among the module's own functions. A call through the table may reach any function that makes one itself, so that all
 * of those count as recursive.
 *
 * @param imported functions before the module's own, which the calls' indices count from
 */
export function findRecursive(bodies: readonly FunctionBody[], imported: number): ReadonlySet<number> {
  const own = bodies.map(({ calls }) => calls.map((index) => index - imported).filter((index) => index >= 0));
  const callers = bodies.map((): number[] => []);
  for (const [index, callees] of own.entries()) for (const callee of callees) callers[callee]?.push(index);
  const indirect = bodies.flatMap(({ callsIndirectly }, index) => (callsIndirectly ? [index] : []));
  // A function that reaches a call through the table can be reached by one.
  const recursive = new Set(reach(indirect, callers));
  for (const component of components(own)) {
    const [first] = component;
    const isCycle = component.length > 1 || (first !== undefined && own[first]?.includes(first));
    if (isCycle === true) for (const index of component) recursive.add(index);
  }
  return recursive;
}

function reach(from: readonly number[], edges: readonly (readonly number[])[]): ReadonlySet<number> {
  const reached = new Set(from);
  const open = [...from];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const target of edges[next] ?? []) {
      if (reached.has(target)) continue;
      reached.add(target);
      open.push(target);
    }
  }
  return reached;
}

/** Strongly connected components (Tarjan 1972). The call graph of QuickJS is shallow enough to recurse over. */
function components(edges: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const found: number[][] = [];
  const order = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  const visit = (node: number): void => {
    order.set(node, order.size);
    low.set(node, order.size - 1);
    stack.push(node);
    onStack.add(node);
    for (const next of edges[node] ?? []) {
      if (!order.has(next)) visit(next);
      if (onStack.has(next)) low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(node) !== order.get(node)) return;
    const component: number[] = [];
    for (let member = stack.pop(); member !== undefined; member = stack.pop()) {
      onStack.delete(member);
      component.push(member);
      if (member === node) break;
    }
    found.push(component);
  };
  for (const node of edges.keys()) if (!order.has(node)) visit(node);
  return found;
}
