/* The method of Dormand and Prince of order 8 on LANES trajectories at a time, each with a step size of its own.
 *
 * Everything that moves has one more axis, the last, of length LANES, so that the inner loops are vector registers. A lane whose trajectory is done
 * takes the next one of the queue. The tableau, the functions `stage_*`, `sum_*`, the table STAGES and LOOKS stand above this text: see dop853.py.
 *
 * Of a single trajectory the polynomials between its steps may be kept, and quantities be watched for where they cross zero.
 *
 * Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.4, II.5, II.6 and II.10.
 */
#include <math.h>

#define FIRST 12      /* slopes in a step, and the one after it: 0, ..., 12; those of the dense output: 13, 14, 15 */
#define SLOPES 16
#define TERMS 7       /* of the polynomial between two steps */
#define EACH(l) for (int l = 0; l < LANES; l++)

typedef double looks_t __attribute__((vector_size(8 * LOOKS), may_alias));

typedef void field_t(const double *t, const double *y, double *slope, const double *const *still, const double *moving, double *work);

/* What Python knows as `events.Run`: quantities of a single trajectory and where they cross zero. */
typedef struct {
    field_t *field;             /* the quantities, of LOOKS states at a time that stand where constants of trajectories do */
    const double *const *still; /* the constants */
    double *work;               /* for the field */
    double *states;             /* (size, LOOKS) */
    double *looks, *tries;      /* (count, LOOKS) values where they are looked at, and on the way to a zero */
    double *before, *roots;     /* (count,) values at the look before; where after it a zero is, as a share of the step, or NaN */
    const int64_t *direction;   /* (count,) 1: from below, -1: from above, 0: both */
    const int64_t *ends;        /* (count,) whether the trajectory ends there */
    double *found;              /* (room, 2 + size) which quantity, time, state */
    int64_t count, room;
    int64_t begun, crossings, ended; /* whether `before` is known; crossings in the last rounds; whether one of them was the end */
    int64_t undefined;               /* a quantity that is not a number, with which it all ended, or -1 */
    double when;                     /* about where that was */
} events;

/* What Python knows as `follow.Run`; the comments are shapes. */
typedef struct {
    field_t *field;
    const double *const *still; /* constants that all trajectories share */
    const double *varying;      /* (count, rows) the others */
    double *moving;             /* (rows, LANES) those of the trajectories at hand */
    double *work;               /* for the field */
    double *memory;             /* (memory_size) */
    const double *starts;       /* (count, size) */
    const double *times;        /* (moments,) */
    double *found;              /* (count, moments, size), NaN where nothing is known */
    double *reached;            /* (count,) */
    int64_t *taken;             /* (count,) steps */
    double *pieces;             /* (rounds, 2 + (1 + TERMS) size) of a single trajectory: time, step, state, polynomial; or none */
    events *events;             /* of a single trajectory with pieces, or none */
    int64_t rows, size, count, moments, max_steps;
    double rtol, atol;
    int64_t begun, evaluations, kept; /* trajectories begun, or 0 to start afresh; fields evaluated; pieces kept in the last rounds */
    double t[LANES], h[LANES];
    int64_t trajectory[LANES], goal[LANES], steps[LANES], rejected[LANES]; /* trajectory -1: the lane is idle */
} run;

EXPORT int64_t memory_size(int64_t size)
{
    return (SLOPES + 3 + TERMS) * size * LANES;
}

EXPORT int64_t run_size(void)
{
    return (int64_t)sizeof(run);
}

EXPORT int64_t events_size(void)
{
    return (int64_t)sizeof(events);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static void evaluate(run *r, const double *t, const double *y, double *slope)
{
    double moment[LANES] __attribute__((aligned(8 * LANES))); /* as the memory is: the field reads vectors */
    EACH(l) moment[l] = t[l];
    r->field(moment, y, slope, r->still, r->moving, r->work);
    r->evaluations++;
}

/* The lanes that are idle take trajectories of the queue: state, slope and a first step size. */
static void begin(run *r)
{
    const int64_t size = r->size, all = size * LANES;
    double *y = r->memory, *k = y + all, *stage = k + SLOPES * all;
    const double end = r->times[r->moments - 1];
    int fresh[LANES], any = 0;
    EACH(l) {
        const int64_t next = r->begun < r->count ? r->begun : 0;
        fresh[l] = r->trajectory[l] < 0 && r->begun < r->count;
        /* Lanes that never get a trajectory compute the first one along, so that their numbers are numbers. */
        if (!fresh[l] && r->steps[l] >= 0)
            continue;
        for (int64_t i = 0; i < size; i++)
            y[i * LANES + l] = r->starts[next * size + i];
        for (int64_t i = 0; i < r->rows; i++)
            r->moving[i * LANES + l] = r->varying[next * r->rows + i];
        r->t[l] = r->h[l] = 0.0;
        r->steps[l] = r->rejected[l] = 0;
        if (fresh[l]) {
            r->trajectory[l] = r->begun++;
            r->goal[l] = 1;
            any = 1;
            for (int64_t i = 0; i < size; i++)
                r->found[next * r->moments * size + i] = y[i * LANES + l];
        }
    }
    if (!any)
        return;
    double moved[LANES], guess[LANES], speed[LANES];
    evaluate(r, r->t, y, k + FIRST * all);
    EACH(l) {
        double a = 0.0, b = 0.0;
        for (int64_t i = 0; i < size; i++) {
            const double scale = r->atol + r->rtol * fabs(y[i * LANES + l]);
            const double state = y[i * LANES + l] / scale, slope = k[FIRST * all + i * LANES + l] / scale;
            a += state * state;
            b += slope * slope;
        }
        a = sqrt(a / (double)size);
        speed[l] = b = sqrt(b / (double)size);
        guess[l] = fmin(a < 1e-5 || b < 1e-5 ? 1e-6 : 0.01 * a / b, end);
        moved[l] = r->t[l] + (fresh[l] ? guess[l] : 0.0);
        for (int64_t i = 0; i < size; i++) {
            if (fresh[l])
                k[i * LANES + l] = k[FIRST * all + i * LANES + l];
            stage[i * LANES + l] = y[i * LANES + l] + (fresh[l] ? guess[l] * k[i * LANES + l] : 0.0);
        }
    }
    evaluate(r, moved, stage, k + FIRST * all);
    EACH(l) {
        if (!fresh[l])
            continue;
        double bend = 0.0;
        for (int64_t i = 0; i < size; i++) {
            const double part = (k[FIRST * all + i * LANES + l] - k[i * LANES + l]) / (r->atol + r->rtol * fabs(y[i * LANES + l]));
            bend += part * part;
        }
        const double largest = larger(speed[l], sqrt(bend / (double)size) / guess[l]);
        const double other = largest <= 1e-15 ? larger(1e-6, guess[l] * 1e-3) : pow(0.01 / largest, 0.125);
        const double step = fmin(fmin(100.0 * guess[l], other), end);
        r->h[l] = isfinite(step) && step > 0.0 ? step : 1e-6 * end;
    }
}

/* The error of a step in units of the tolerance, of order 8, from the two embedded formulas. */
static void errors(const run *r, const double *step, const double *y, const double *fresh, const double *k, double *error)
{
    const int64_t size = r->size, all = size * LANES;
    const double rtol = r->rtol, atol = r->atol;
    double a[LANES] = {0}, b[LANES] = {0};
    for (int64_t i = 0; i < size; i++)
        EACH(l) {
            const int64_t n = i * LANES + l;
            const double scale = 1.0 / (atol + rtol * larger(fabs(y[n]), fabs(fresh[n])));
            const double fifth = sum_fifth(k + n, all) * scale, third = sum_third(k + n, all) * scale;
            a[l] += fifth * fifth + 0.0 * fresh[n]; /* not a number where the state is infinite, which is no step to take */
            b[l] += third * third;
        }
    EACH(l) {
        const double below = sqrt((a[l] + 0.01 * b[l]) * (double)size);
        error[l] = a[l] == 0.0 ? 0.0 : step[l] * a[l] / below;
    }
}

/* The terms of the polynomial between y and `fresh`. */
static void join(int64_t size, const double *restrict step, const double *restrict y, const double *restrict fresh, const double *restrict k,
                 double *restrict terms)
{
    const int64_t all = size * LANES;
    for (int64_t i = 0; i < size; i++)
        EACH(l) {
            const int64_t n = i * LANES + l;
            const double change = fresh[n] - y[n];
            terms[n] = change;
            terms[n + all] = step[l] * k[n] - change;
            terms[n + 2 * all] = 2.0 * change - step[l] * (k[n + FIRST * all] + k[n]);
            terms[n + 3 * all] = step[l] * sum_dense_0(k + n, all);
            terms[n + 4 * all] = step[l] * sum_dense_1(k + n, all);
            terms[n + 5 * all] = step[l] * sum_dense_2(k + n, all);
            terms[n + 6 * all] = step[l] * sum_dense_3(k + n, all);
        }
}

/* The same, by three more slopes. */
static void bend(run *r, const double *step, const double *y, const double *fresh, double *k, double *stage, double *terms)
{
    const int64_t size = r->size, all = size * LANES;
    for (int s = FIRST + 1; s < SLOPES; s++) {
        double t[LANES];
        EACH(l) t[l] = r->t[l] + NODES[s] * step[l];
        STAGES[s](size, step, y, k, stage);
        evaluate(r, t, stage, k + s * all);
    }
    join(size, step, y, fresh, k, terms);
}

static void keep(run *r, double step, const double *restrict y, const double *restrict terms)
{
    const int64_t size = r->size;
    double *restrict const piece = r->pieces + r->kept++ * (2 + (1 + TERMS) * size);
    piece[0] = r->t[0];
    piece[1] = step;
    for (int64_t i = 0; i < size; i++)
        piece[2 + i] = y[i * LANES];
    for (int64_t i = 0; i < TERMS * size; i++)
        piece[2 + size + i] = terms[i * LANES];
}

/* An entry of the state at the share x of a step: y is the one before it, and c, c + row, ... are its terms. */
static inline double inside(double y, const double *c, int64_t row, double x)
{
    const double w = 1.0 - x, inner = c[3 * row] + x * (c[4 * row] + w * (c[5 * row] + x * c[6 * row]));
    return y + x * (c[0] + w * (c[row] + x * (c[2 * row] + w * inner)));
}

/* The quantities at LOOKS shares of a step. */
static void look(run *r, double step, const double *y, const double *terms, const looks_t *x, double *values)
{
    const int64_t size = r->size, all = size * LANES;
    events *e = r->events;
    const looks_t moments = r->t[0] + *x * step, w = 1.0 - *x;
    looks_t *const states = (looks_t *)e->states;
    for (int64_t i = 0; i < size; i++) {
        const double *const c = terms + i * LANES;
        const looks_t inner = c[3 * all] + *x * (c[4 * all] + w * (c[5 * all] + *x * c[6 * all]));
        states[i] = y[i * LANES] + *x * (c[0] + w * (c[all] + *x * (c[2 * all] + w * inner)));
    }
    e->field((const double *)&moments, values, values, e->still, e->states, e->work); /* what it knows as a state is of no use to it */
}

static int sign(double x)
{
    return (x > 0.0) - (x < 0.0);
}

static double magnitude(double x)
{
    return isfinite(x) ? fabs(x) : 0.0;
}

/* Where a quantity is zero between two shares of a step at which its signs differ: NaN where it is none on the way, 2 where its sign changes by a pole.
 *
 * There are LOOKS tries at a time. By turns they cut in equal parts what is left, so that no function is followed for long, and stand close around the
 * zero of the chord, the closer the nearer to it. */
static double zero(run *r, double step, const double *y, const double *terms, int64_t which, double low, double high, double at_low, double at_high)
{
    static const double AROUND[LOOKS] = {-0x1p-4, -0x1p-8, -0x1p-14, -0x1p-24, 0x1p-24, 0x1p-14, 0x1p-8, 0x1p-4};
    const double least = 4.0 * 2.220446049250313e-16 * fabs(r->t[0] + step) / step, largest = larger(magnitude(at_low), magnitude(at_high));
    const double *const values = r->events->tries + which * LOOKS;
    for (int even = 0; at_high != 0.0 && high - low > least; even = !even) {
        const double width = high - low, chord = low + width * (at_low / (at_low - at_high));
        looks_t x;
        for (int l = 0; l < LOOKS; l++)
            x[l] = even || !isfinite(chord) ? low + width * (l + 1) / (LOOKS + 1) : fmin(larger(chord + width * AROUND[l], low), high);
        look(r, step, y, terms, &x, r->events->tries);
        int l = 0;
        while (l < LOOKS && sign(values[l]) == sign(at_low))
            l++;
        if (l < LOOKS && isnan(values[l]))
            return NAN;
        if (l < LOOKS)
            high = x[l], at_high = values[l];
        if (l > 0)
            low = x[l - 1], at_low = values[l - 1];
        if (even && !(high - low < width))
            break;
    }
    if (fabs(at_low) < fabs(at_high))
        high = low, at_high = at_low;
    return fabs(at_high) <= largest ? high : 2.0; /* nowhere is a zero larger than the values on its sides */
}

/* The crossings in a step from y that ends at the time `end`, in the order of time. */
static void watch(run *r, double step, double end, const double *y, const double *terms)
{
    const int64_t size = r->size, all = size * LANES;
    events *e = r->events;
    looks_t x = {0};
    if (!e->begun) {
        look(r, step, y, terms, &x, e->looks);
        for (int64_t n = 0; n < e->count; n++) {
            e->before[n] = e->looks[n * LOOKS];
            if (isnan(e->before[n]))
                e->undefined = n;
        }
        e->begun = 1;
        e->when = r->t[0];
        if (e->undefined >= 0)
            return;
    }
    for (int l = 0; l < LOOKS; l++)
        x[l] = (l + 1.0) / LOOKS;
    look(r, step, y, terms, &x, e->looks);
    for (int l = 0; l < LOOKS; l++) {
        int64_t undefined = -1, any = 0;
        for (int64_t n = 0; n < e->count; n++) {
            const double a = e->before[n], b = e->looks[n * LOOKS + l];
            const int turn = sign(b) - sign(a);
            e->roots[n] = NAN;
            e->before[n] = b;
            if (isnan(b))
                undefined = n;
            else if (a != 0.0 && turn != 0 && turn * e->direction[n] >= 0) {
                const double root = zero(r, step, y, terms, n, l ? x[l - 1] : 0.0, x[l], a, b);
                if (isnan(root))
                    undefined = n;
                else if (root <= 1.0)
                    e->roots[n] = root, any = 1;
            }
        }
        while (any) {
            int64_t first = -1;
            for (int64_t n = 0; n < e->count; n++)
                if (!isnan(e->roots[n]) && (first < 0 || e->roots[n] < e->roots[first]))
                    first = n;
            if (first < 0)
                break;
            double *to = e->found + e->crossings++ * (2 + size);
            to[0] = (double)first;
            to[1] = e->roots[first] < 1.0 ? fmin(r->t[0] + e->roots[first] * step, end) : end;
            for (int64_t i = 0; i < size; i++)
                to[2 + i] = inside(y[i * LANES], terms + i * LANES, all, e->roots[first]);
            if (e->ends[first]) {
                e->ended = 1;
                return;
            }
            e->roots[first] = NAN;
        }
        if (undefined >= 0) {
            e->undefined = undefined;
            e->when = r->t[0] + x[l] * step;
            return;
        }
    }
}

/* One step of every lane that has a trajectory; returns how many have one still. */
static int64_t advance(run *r)
{
    const int64_t size = r->size, all = size * LANES;
    double *y = r->memory, *k = y + all, *stage = k + SLOPES * all, *fresh = stage + all, *terms = fresh + all;
    const double end = r->times[r->moments - 1];
    double step[LANES], t[LANES], error[LANES], factor[LANES];
    int last[LANES], accepted[LANES];
    EACH(l) {
        const double wanted = r->trajectory[l] < 0 ? r->t[l] : r->times[r->goal[l]];
        last[l] = r->t[l] + r->h[l] * (1.0 + 1e-12) >= wanted;
        step[l] = last[l] ? wanted - r->t[l] : r->h[l];
    }
    for (int s = 1; s < FIRST; s++) {
        EACH(l) t[l] = r->t[l] + NODES[s] * step[l];
        STAGES[s](size, step, y, k, stage);
        evaluate(r, t, stage, k + s * all);
    }
    STAGES[FIRST](size, step, y, k, fresh);
    /* The error does not depend on the last slope, and is worked out while that one is. */
    errors(r, step, y, fresh, k, error);
    EACH(l) factor[l] = 0.9 / sqrt(sqrt(sqrt(larger(error[l], 1e-300))));
    EACH(l) t[l] = r->t[l] + NODES[FIRST] * step[l];
    evaluate(r, t, fresh, k + FIRST * all);
    EACH(l) {
        accepted[l] = r->trajectory[l] >= 0 && error[l] < 1.0;
        factor[l] = isfinite(error[l]) ? fmin(larger(factor[l], 0.2), accepted[l] && r->rejected[l] ? 1.0 : 10.0) : 0.2;
    }
    if (r->pieces && accepted[0])
        bend(r, step, y, fresh, k, stage, terms);
    int64_t left = 0;
    EACH(l) {
        const int64_t which = r->trajectory[l];
        if (which < 0)
            continue;
        r->steps[l]++;
        r->rejected[l] = !accepted[l];
        /* A step cut short to meet a time says nothing against the length that was meant. */
        r->h[l] = accepted[l] && last[l] ? larger(r->h[l], step[l] * factor[l]) : step[l] * factor[l];
        if (accepted[l]) {
            const double next = last[l] ? r->times[r->goal[l]] : r->t[l] + step[l];
            if (r->pieces && step[l] > 0.0) {
                keep(r, step[l], y, terms);
                if (r->events)
                    watch(r, step[l], next, y, terms);
            }
            r->t[l] = next;
        }
        if (accepted[l] && last[l]) {
            double *to = r->found + (which * r->moments + r->goal[l]++) * size;
            for (int64_t i = 0; i < size; i++)
                to[i] = fresh[i * LANES + l];
        }
        /* A step of a few units in the last place of the time does not move it. */
        const double least = 8.0 * 2.220446049250313e-16 * larger(r->t[l], end * 1e-12);
        const int over = r->events && (r->events->ended || r->events->undefined >= 0);
        if (over || r->goal[l] == r->moments || r->h[l] < least || r->steps[l] >= r->max_steps) {
            r->reached[which] = r->t[l];
            r->taken[which] = r->steps[l];
            r->trajectory[l] = -1;
        } else {
            left++;
        }
    }
    for (int64_t i = 0; i < size; i++)
        EACH(l) {
            const int64_t n = i * LANES + l;
            y[n] = accepted[l] ? fresh[n] : y[n];
            k[n] = accepted[l] ? k[n + FIRST * all] : k[n];
        }
    return left;
}

static void afresh(run *r)
{
    for (int64_t n = 0; n < r->count * r->moments * r->size; n++)
        r->found[n] = NAN;
    EACH(l) r->trajectory[l] = r->steps[l] = -1;
    r->evaluations = 0;
    if (r->events) {
        r->events->begun = r->events->ended = 0;
        r->events->undefined = -1;
    }
}

/* Whether there is room for the crossings of one more step. */
static int spacious(const run *r)
{
    const events *e = r->events;
    return !e || e->crossings + LOOKS * e->count <= e->room;
}

/* Up to so many rounds of steps; returns whether anything is left to do. */
EXPORT int64_t follow(run *r, int64_t rounds)
{
    int64_t left = 0;
    if (r->begun == 0)
        afresh(r);
    r->kept = 0;
    if (r->events)
        r->events->crossings = 0;
    EACH(l) left += r->trajectory[l] >= 0;
    for (int64_t n = 0; n < rounds && (left > 0 || r->begun < r->count) && spacious(r); n++) {
        if (left < LANES && r->begun < r->count)
            begin(r);
        left = advance(r);
    }
    return left > 0 || r->begun < r->count;
}

/* The last of `count` pieces that begins at or before t, where n is a guess: times are mostly asked for in their order. */
static int64_t piece_at(const double *pieces, int64_t count, int64_t length, double t, int64_t n)
{
    for (int64_t next = n; next < n + 2 && next < count; next++)
        if (pieces[next * length] <= t && (next + 1 == count || t < pieces[(next + 1) * length]))
            return next;
    int64_t low = 0;
    while (count - low > 1) {
        const int64_t middle = low + (count - low) / 2;
        if (pieces[middle * length] <= t)
            low = middle;
        else
            count = middle;
    }
    return low;
}

/* The states (moments, size) at `times`, which may come in any order, by what `keep` kept. */
EXPORT void between(const double *pieces, int64_t count, int64_t size, const double *times, int64_t moments, double *found)
{
    const int64_t length = 2 + (1 + TERMS) * size;
    int64_t n = 0;
    for (int64_t m = 0; m < moments; m++) {
        n = piece_at(pieces, count, length, times[m], n);
        const double *const piece = pieces + n * length, *const y = piece + 2;
        double *restrict const to = found + m * size;
        const double x = (times[m] - piece[0]) / piece[1];
        for (int64_t i = 0; i < size; i++)
            to[i] = inside(y[i], y + size + i, size, x);
    }
}
