/* What a kernel would say of hardware that no test machine has; loaded before the C library (LD_PRELOAD).
 *
 * AFFECTD_CLOCK=unset: adjtimex() answers that nobody has set the clock.
 * AFFECTD_CAMERA=busy: every V4L2 request is refused, as a camera refuses it while another program streams.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

static int asked(const char *name, const char *value)
{
    const char *found = getenv(name);
    return found && !strcmp(found, value);
}

int adjtimex(struct timex *values)
{
    if (asked("AFFECTD_CLOCK", "unset"))
        return TIME_ERROR;
    return ((int (*)(struct timex *))dlsym(RTLD_NEXT, "adjtimex"))(values);
}

int ioctl(int descriptor, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if ((request >> 8 & 0xff) == 'V' && asked("AFFECTD_CAMERA", "busy")) {
        errno = EBUSY;
        return -1;
    }
    return ((int (*)(int, unsigned long, void *))dlsym(RTLD_NEXT, "ioctl"))(descriptor, request, argument);
}
