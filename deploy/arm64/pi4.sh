#!/bin/sh -e
# What a program looks at to know its processor, in the folder ROOT: a Raspberry Pi 4's four Cortex-A72. XNNPACK chooses
# its kernels by it.
#
#     deploy/arm64/pi4.sh ROOT
root=$1
mkdir -p "$root/proc" "$root/sys/devices/system/cpu"
for number in 0 1 2 3; do
    printf 'processor\t: %s\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\n' $number
    printf 'CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n'
done >"$root/proc/cpuinfo"
echo 0-3 | tee "$root/sys/devices/system/cpu/possible" >"$root/sys/devices/system/cpu/present"
