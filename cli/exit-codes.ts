/** The exit statuses of the `adyton` command. Documented in docs/reference/cli.md and in `--help`. */
export const ExitCode = {
  /** Done; for `verify`: genuine, and accepted by a policy that names what it accepts. */
  ok: 0,
  /** Not genuine: malformed, forged, altered, revoked. For other commands: it failed. */
  notGenuine: 1,
  /** Genuine, refused by the policy. */
  refused: 2,
  /** Cannot judge: an endorsement is missing or out of date. */
  cannotJudge: 3,
  /** Genuine, not appraised: no policy was given. */
  notAppraised: 4,
  /** Wrong usage, or a file that cannot be read (EX_USAGE of sysexits.h). */
  usage: 64,
  /** Something that must be installed is not (EX_UNAVAILABLE). */
  unavailable: 69,
  /** Interrupted from the keyboard (128 + SIGINT). */
  interrupted: 130,
  /** Nobody reads what is printed (128 + SIGPIPE). */
  brokenPipe: 141,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
