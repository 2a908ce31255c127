/** What a run of the bench finds out. */
import type { EchoResult, FloodResult } from './loads';
import type { Moments } from './moments';

export const NAMES = ['plain', 'core', 'wavix'] as const;
export type Name = (typeof NAMES)[number];

export interface Round {
  /** by number of calls */
  echo: Record<number, Record<Name, EchoResult>>;
  flood: Record<Name, FloodResult>;
}

export interface Results {
  machine: { cpu: string; cores: number; node: string; nodeRed: string; commit: string; date: string };
  calls: number[];
  seconds: number;
  rounds: Round[];
  moments: Moments;
}
