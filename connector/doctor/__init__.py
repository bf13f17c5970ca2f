"""`connector doctor`: looks at everything that a job needs to work, and says what to do about what it finds.

Called by the command line through `examine`. flow.py asks, the other modules judge (pure) or look at this machine; how
it is told is in report/doctor_text.py.
"""

from connector.doctor.flow import examine

__all__ = ["examine"]
