/** The files that the reader gave so far, and their judgement. One judgement at a time; the newest question wins. */

import { useRef, useState } from "preact/hooks";
import { createJudge, type Judge } from "../judge/client.ts";
import type { GivenFile, Judgement, Origin } from "../judge/judgement.ts";
import { MAX_FILE_BYTES } from "./fragment.ts";

export interface Session {
  readonly judge: Judge;
  readonly files: readonly GivenFile[];
  readonly judgement: Judgement | null;
  readonly isJudging: boolean;
  /** Why something that was given was not looked at. */
  readonly problem: string | null;
  readonly time: number | null;
  /** How many questions have been answered: what is announced is about the last. */
  readonly answered: number;
  readonly add: (files: readonly GivenFile[]) => Promise<void>;
  readonly addFiles: (files: readonly File[]) => Promise<void>;
  readonly forgetPolicy: () => Promise<void>;
  readonly setTime: (time: number | null) => Promise<void>;
  readonly fail: (problem: string) => void;
  readonly reset: () => void;
}

/** Files kept together: a folder of endorsements has some dozens. */
const MAX_FILES = 256;

export function useSession(): Session {
  const judge = useRef<Judge | null>(null);
  const newest = useRef(0);
  const [files, setFiles] = useState<readonly GivenFile[]>([]);
  const [judgement, setJudgement] = useState<Judgement | null>(null);
  const [isJudging, setJudging] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [time, setTime] = useState<number | null>(null);
  const [answered, setAnswered] = useState(0);
  judge.current ??= createJudge(
    new Worker(new URL("../judge/worker.ts", import.meta.url), { type: "module" }),
  );
  const ask = judge.current.ask;

  const run = async (given: readonly GivenFile[], at: number | null): Promise<void> => {
    const mine = (newest.current += 1);
    setFiles(given);
    setTime(at);
    setProblem(null);
    if (given.length === 0) {
      setJudgement(null);
      return;
    }
    setJudging(true);
    try {
      const clock = Math.floor(new Date().getTime() / 1_000);
      const found = await ask({ ask: "judge", task: { files: given, clock, time: at, nonce: null } });
      if (mine !== newest.current) return;
      setJudgement(found);
      setFiles(stillNeeded(given, found));
    } catch (error) {
      if (mine === newest.current)
        setProblem(`This page has a fault: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      if (mine === newest.current) {
        setJudging(false);
        setAnswered((count) => count + 1);
      }
    }
  };

  return {
    judge: judge.current,
    files,
    judgement,
    isJudging,
    problem,
    time,
    answered,
    add: (more) => run([...files, ...more].slice(-MAX_FILES), time),
    addFiles: async (more) => {
      const tooLong = more.find(({ size }) => size > MAX_FILE_BYTES);
      if (tooLong !== undefined) {
        setProblem(
          `${tooLong.name} has ${tooLong.size.toLocaleString("en")} bytes. The longest file that is read here has ${MAX_FILE_BYTES.toLocaleString("en")}.`,
        );
        setAnswered((count) => count + 1);
        return;
      }
      const read = await Promise.all(more.slice(0, MAX_FILES).map(readFile));
      await run([...files, ...read].slice(-MAX_FILES), time);
    },
    forgetPolicy: () => {
      const roles = judgement?.files ?? [];
      const policies = roles.filter(({ role }) => role === "policy").map(({ name }) => name);
      return run(
        files.filter(({ name }) => !policies.includes(name)),
        time,
      );
    },
    setTime: (at) => run(files, at),
    fail: setProblem,
    reset: () => {
      void run([], null);
    },
  };
}

async function readFile(file: File): Promise<GivenFile> {
  return { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()), origin: "disk" };
}

export function fileOfText(text: string, name: string, origin: Origin): GivenFile {
  return { name, bytes: new TextEncoder().encode(text), origin };
}

/** Files before the newest subject and the newest policy are dropped; endorsements are kept. */
function stillNeeded(given: readonly GivenFile[], { files }: Judgement): readonly GivenFile[] {
  const last = (...roles: readonly string[]): number =>
    files.findLastIndex(({ role }) => roles.includes(role));
  const kept = new Set([
    last("policy"),
    last("receipt", "evidence", "twin"),
    last("twin") < 0 ? -1 : last("receipt"),
    last("twin"),
  ]);
  return given.filter((_file, index) => files[index]?.role === "endorsements" || kept.has(index));
}
