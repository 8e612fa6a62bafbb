/* In place of a C library: what the kernel includes. */
#pragma once
#include <stddef.h>
