/* A V4L2 camera in a file, for who opens it with this library loaded before the C library (LD_PRELOAD).
 *
 * AFFECTD_CAMERA_FORMAT: its only pixel format, four letters. AFFECTD_CAMERA_SIZE: WIDTHxHEIGHT.
 * AFFECTD_CAMERA_PICTURES: a file with what it sends, each picture after its length (4 bytes, little-endian), over and
 * over. The device itself is any file that may be written: its buffers lie in it, to be mapped as a driver's are.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BUFFERS = 4, BUFFER_BYTES = 1 << 20 };
static unsigned queued[BUFFERS], waiting, sequence;
static FILE *pictures;

static void describe(struct v4l2_pix_format *picture)
{
    sscanf(getenv("AFFECTD_CAMERA_SIZE"), "%ux%u", &picture->width, &picture->height);
    memcpy(&picture->pixelformat, getenv("AFFECTD_CAMERA_FORMAT"), 4);
    picture->field = V4L2_FIELD_NONE;
    picture->sizeimage = BUFFER_BYTES;
}

static int next_picture(char *bytes)
{
    uint32_t size;
    if (!pictures)
        pictures = fopen(getenv("AFFECTD_CAMERA_PICTURES"), "rb");
    if (fread(&size, 4, 1, pictures) != 1) {
        rewind(pictures);
        if (fread(&size, 4, 1, pictures) != 1)
            return -1;
    }
    return fread(bytes, 1, size, pictures) == size ? (int)size : -1;
}

static int fill(int descriptor, struct v4l2_buffer *buffer)
{
    static char bytes[BUFFER_BYTES];
    struct timespec now;
    int size = waiting ? next_picture(bytes) : -1;
    if (size < 0 || pwrite(descriptor, bytes, size, (off_t)queued[0] * BUFFER_BYTES) != size) {
        errno = ENODEV;
        return -1;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    buffer->index = queued[0];
    buffer->length = BUFFER_BYTES;
    buffer->bytesused = size;
    buffer->sequence = sequence++;
    buffer->flags = V4L2_BUF_FLAG_MAPPED | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->timestamp.tv_sec = now.tv_sec;
    buffer->timestamp.tv_usec = now.tv_nsec / 1000;
    memmove(queued, queued + 1, --waiting * sizeof *queued);
    return 0;
}

static int answer(int descriptor, unsigned long request, void *argument)
{
    struct v4l2_buffer *buffer = argument;
    switch (request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *able = argument;
        able->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        able->capabilities = able->device_caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
    }
    case VIDIOC_G_FMT:
    case VIDIOC_S_FMT:
        describe(&((struct v4l2_format *)argument)->fmt.pix);
        return 0;
    case VIDIOC_REQBUFS: {
        struct v4l2_requestbuffers *wanted = argument;
        wanted->count = wanted->count < BUFFERS ? wanted->count : BUFFERS;
        waiting = 0;
        return ftruncate(descriptor, (off_t)BUFFERS * BUFFER_BYTES);
    }
    case VIDIOC_QUERYBUF:
        buffer->length = BUFFER_BYTES;
        buffer->m.offset = buffer->index * BUFFER_BYTES;
        return 0;
    case VIDIOC_QBUF:
        queued[waiting++ % BUFFERS] = buffer->index;
        return 0;
    case VIDIOC_DQBUF:
        return fill(descriptor, buffer);
    case VIDIOC_STREAMOFF:
        waiting = 0;
        return 0;
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM:
    case VIDIOC_STREAMON:
        return 0;
    default:
        errno = EINVAL;
        return -1;
    }
}

int ioctl(int descriptor, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    request &= 0xffffffff; /* some callers have extended the sign */
    if ((request >> 8 & 0xff) == 'V')
        return answer(descriptor, request, argument);
    return ((int (*)(int, unsigned long, void *))dlsym(RTLD_NEXT, "ioctl"))(descriptor, request, argument);
}
