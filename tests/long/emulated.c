/* The C kernels for a process of another processor, which has the same memory at the same addresses: emulated.py.

   Lines of standard input, numbers decimal; each is answered by one line with a number.
     share BASE SIZE DESCRIPTOR   map the file there
     forbid AT SIZE, allow AT SIZE   whole pages
     NAME THREADS A1 ... A12   call a function of the kernels; what it returns is the answer */

#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ARGUMENTS 12

typedef int64_t n;
typedef n called(n, n, n, n, n, n, n, n, n, n, n, n);

/* NAMES lists the functions: the compiler's command line says which. */
#define NAME(name) extern void name(void);
NAMES
#undef NAME
#define NAME(name) {#name, name},
static const struct { const char *name; void (*function)(void); } functions[] = {NAMES};

int main(void) {
    char line[512], word[64];
    while (fgets(line, sizeof line, stdin)) {
        int64_t a[ARGUMENTS + 1] = {0}, answer = -1;
        char *rest = line;
        int used = 0;
        if (sscanf(rest, "%63s%n", word, &used) != 1) return 2;
        rest += used;
        for (int i = 0; i <= ARGUMENTS && sscanf(rest, "%" SCNd64 "%n", &a[i], &used) == 1; i++) rest += used;
        if (strspn(rest, " \n") != strlen(rest)) return 2; /* more than a call can have */
        void *at = (void *)a[0];
        if (!strcmp(word, "share")) answer = mmap(at, a[1], PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, a[2], 0) == at;
        else if (!strcmp(word, "forbid")) answer = !mprotect(at, a[1], PROT_NONE);
        else if (!strcmp(word, "allow")) answer = !mprotect(at, a[1], PROT_READ | PROT_WRITE);
        for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
            if (!strcmp(word, functions[i].name)) {
                omp_set_num_threads(a[0]);
                answer = ((called *)functions[i].function)(a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12]);
            }
        printf("%" PRId64 "\n", answer);
        fflush(stdout);
    }
    return 0;
}
