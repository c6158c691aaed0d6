/*
 * compat.h
 *	  The one place that knows which server version it is compiled for.
 *
 * Every difference between the supported servers (15 to 18) is a macro or a
 * static inline wrapper named cmig_..._compat; no other file may test
 * PG_VERSION_NUM.
 */
#ifndef CMIG_COMPAT_H
#define CMIG_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "pg_cmig needs PostgreSQL 15 or newer"
#endif

#endif							/* CMIG_COMPAT_H */
