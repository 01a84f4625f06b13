/** Builds the pinned Temporal CLI with Go, where it cannot be downloaded. */
import { NotInstalledError } from './not-installed.js';
import { runProgram } from './run-program.js';
import { TEMPORAL_CLI_VERSION } from './temporal-version.js';

/** `tools/temporal/go.mod` says `go 1.25.0`, as the CLI's own module does. */
const OLDEST_GO = [1, 25] as const;

export interface BuildOptions {
  /** The Go module that pins the CLI and all it needs. */
  moduleFolder: string;
  target: string;
  env: NodeJS.ProcessEnv;
  /** @param packages how many packages have been compiled so far */
  onProgress: (packages: number, seconds: number) => void;
  signal?: AbortSignal | undefined;
}

/** @throws NotInstalledError without a fit Go, or when the build fails */
export async function buildTemporalCli(options: BuildOptions): Promise<void> {
  const { moduleFolder, target, signal } = options;
  // Without cgo no C compiler is needed, and the executable runs on any Linux of its architecture.
  const env = { ...options.env, CGO_ENABLED: '0' };
  const why = await whyGoIsUnfit(moduleFolder, env, signal);
  if (why !== undefined) throw new NotInstalledError(why);
  const start = performance.now();
  let packages = 0;
  const tick = setInterval(() => options.onProgress(packages, (performance.now() - start) / 1000), 500);
  try {
    const { code, tail } = await runProgram(
      'go',
      [
        'build',
        `-C=${moduleFolder}`,
        '-mod=readonly',
        '-trimpath',
        '-v',
        `-ldflags=-s -w -X github.com/temporalio/cli/temporalcli.Version=${TEMPORAL_CLI_VERSION}`,
        `-o=${target}`,
        'github.com/temporalio/cli/cmd/temporal',
      ],
      {
        env,
        signal,
        onOutput: (text) => {
          packages += text.split('\n').filter((line) => line !== '' && !line.startsWith('go:')).length;
        },
      },
    );
    if (code !== 0) throw new NotInstalledError(`go build of the Temporal CLI failed:\n${tail.slice(-1_500)}`);
  } finally {
    clearInterval(tick);
  }
}

/** Asked inside the module, so that a Go that fetches newer toolchains by itself answers with the one it will use. */
async function whyGoIsUnfit(
  moduleFolder: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { code, output, tail } = await runProgram('go', ['env', '-C', moduleFolder, 'GOVERSION'], { env, signal });
  const needed = `Go ${OLDEST_GO.join('.')} or later is needed to build the Temporal CLI`;
  if (code === null) return `${needed}; there is no go on the PATH`;
  if (code !== 0) return `${needed}; go said: ${tail.split('\n').at(-1) ?? ''}`;
  const version = /go(\d+)\.(\d+)/.exec(output);
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
  const isFit = major > OLDEST_GO[0] || (major === OLDEST_GO[0] && minor >= OLDEST_GO[1]);
  return isFit ? undefined : `${needed}; this is ${output.trim()}`;
}
