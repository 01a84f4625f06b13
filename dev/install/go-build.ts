/** Builds programs of pinned Go modules, where they cannot be downloaded or are not on the machine. */
import { NotInstalledError } from './not-installed.js';
import { runProgram } from './run-program.js';

/** The modules under `tools/` say `go 1.25.0`, as those that they require do. */
const OLDEST_GO = [1, 25] as const;

export interface GoBuild {
  /** What is built, for messages. */
  what: string;
  /** The Go module that pins the package and all it needs. */
  moduleFolder: string;
  /** Import path of the program. */
  package: string;
  target: string;
  /** Go variables to set, such as a version. */
  variables?: Readonly<Record<string, string>>;
  env: NodeJS.ProcessEnv;
  /** @param packages how many packages have been compiled so far */
  onProgress: (packages: number, seconds: number) => void;
  signal?: AbortSignal | undefined;
}

/** @throws NotInstalledError without a fit Go, or when the build fails */
export async function goBuild(options: GoBuild): Promise<void> {
  const { what, moduleFolder, target, signal, variables = {} } = options;
  // Without cgo no C compiler is needed, and the executable runs on any Linux of its architecture.
  const env = { ...options.env, CGO_ENABLED: '0' };
  const why = await whyGoIsUnfit(what, moduleFolder, env, signal);
  if (why !== undefined) throw new NotInstalledError(why);
  const set = Object.entries(variables).map(([name, value]) => ` -X ${name}=${value}`);
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
        // Paths are no part of what is compiled, so that modules share Go's cache of packages.
        '-trimpath',
        '-v',
        `-ldflags=-s -w${set.join('')}`,
        `-o=${target}`,
        options.package,
      ],
      {
        env,
        signal,
        onOutput: (text) => {
          packages += text.split('\n').filter((line) => line !== '' && !line.startsWith('go:')).length;
        },
      },
    );
    if (code !== 0) throw new NotInstalledError(`go build of ${what} failed:\n${tail.slice(-1_500)}`);
  } finally {
    clearInterval(tick);
  }
}

/** Asked inside the module, so that a Go that fetches newer toolchains by itself answers with the one it will use. */
async function whyGoIsUnfit(
  what: string,
  moduleFolder: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { code, output, tail } = await runProgram('go', ['env', '-C', moduleFolder, 'GOVERSION'], { env, signal });
  const needed = `Go ${OLDEST_GO.join('.')} or later is needed to build ${what}`;
  if (code === null) return `${needed}; there is no go on the PATH`;
  if (code !== 0) return `${needed}; go said: ${tail.split('\n').at(-1) ?? ''}`;
  const version = /go(\d+)\.(\d+)/.exec(output);
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
  const isFit = major > OLDEST_GO[0] || (major === OLDEST_GO[0] && minor >= OLDEST_GO[1]);
  return isFit ? undefined : `${needed}; this is ${output.trim()}`;
}
