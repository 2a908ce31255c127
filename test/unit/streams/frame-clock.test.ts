import assert from 'node:assert/strict';
import { FrameClock, TICK_MS } from '../../../lib/streams/frame-clock';
import { FakeClock } from '../fake-clock';

describe('FrameClock', () => {
  it('asks each member at every tick until it has nothing more, and then costs nothing', () => {
    const clock = new FakeClock();
    const frames = new FrameClock(clock);
    const asked: number[] = [];
    frames.add({ tick: (now) => (asked.push(now) < 3 ? 'later' : 'never') });
    clock.pass(100);
    assert.deepEqual(asked, [TICK_MS, 2 * TICK_MS, 3 * TICK_MS]);
    assert.equal(clock.pending, 0);
  });

  it('serves many members in turns, with breaks between in which others have theirs, each once a tick', () => {
    const clock = new FakeClock();
    const frames = new FrameClock(clock);
    const order: string[] = [];
    for (let member = 0; member < 6; member++) {
      frames.add({
        tick: () => {
          order.push(String(member));
          clock.take(2); // what it takes to send; nothing else can happen meanwhile
          return 'never' as const;
        },
      });
    }
    clock.after(TICK_MS - 1, () => clock.after(2, () => order.push('other work')));
    clock.pass(100);
    assert.deepEqual(order.join(' '), '0 1 other work 2 3 4 5');
    assert.equal(clock.pending, 0);
  });

  it('asks again soon who is behind, once all others have had their turn', () => {
    const clock = new FakeClock();
    const frames = new FrameClock(clock);
    const order: string[] = [];
    const member = (name: string, count: number) => {
      let left = count;
      return {
        tick: () => {
          order.push(`${name}${clock.now()}`);
          clock.take(2);
          return --left > 0 ? ('soon' as const) : ('never' as const);
        },
      };
    };
    frames.add(member('a', 3), 'soon');
    frames.add(member('b', 2), 'soon');
    clock.pass(9);
    assert.equal(order.map((one) => one[0]).join(' '), 'a b a b a');
    clock.pass(100);
    assert.equal(order.length, 5);
    assert.equal(clock.pending, 0);
  });

  it('leaves out who is removed during a break, and ends with the last', () => {
    const clock = new FakeClock();
    const frames = new FrameClock(clock);
    const asked: number[] = [];
    const members = [0, 1, 2].map((number) => ({
      tick: () => {
        asked.push(number);
        clock.take(6);
        return 'later' as const;
      },
    }));
    for (const member of members) frames.add(member);
    clock.after(TICK_MS, () => {
      for (const member of members) frames.remove(member);
    });
    clock.pass(100);
    assert.deepEqual(asked, [0]);
    assert.equal(clock.pending, 0);
  });
});
