/** Where the two programs that read and write media are: absolute paths, or names that PATH resolves. */
export interface MediaTools {
  ffmpegPath: string;
  ffprobePath: string;
}
